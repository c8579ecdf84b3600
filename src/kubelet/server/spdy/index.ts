/** SPDY/3.1, the protocol under exec, attach and port-forward of clients and container engines. */
export { SpdyProtocolError } from './frames.ts';
export type { StreamHeaders } from './headers.ts';
export { SpdySession, type SpdySessionOptions, SpdyStreamError } from './session.ts';
export { SpdyStream } from './stream.ts';
