/**
 * Metrics in the Prometheus model. A component makes its metrics on a registry it is given; `/metrics` renders the registry. The classes are
 * taken from the library one by one: its own door also loads cluster aggregation and a tracing API, eight times as much as all we use.
 */
export { default as Counter } from 'prom-client/lib/counter.js';
export { default as Gauge } from 'prom-client/lib/gauge.js';
export { default as Histogram } from 'prom-client/lib/histogram.js';
export { default as Registry } from 'prom-client/lib/registry.js';
