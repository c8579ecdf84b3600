/** Probes of containers; the HTTP client of life-cycle hooks stands here too, since both ask alike. */
export { httpGet, HttpGetError, type HttpAnswer, type HttpGetTarget } from './http-get.ts';
export { probePort } from './probe-port.ts';
export { ProbeError } from './outcome.ts';
export { createProber } from './prober.ts';
