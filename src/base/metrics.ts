/** Metrics in the Prometheus model. A component makes its metrics on a registry it is given; `/metrics` renders the registry. */
export { Counter, Gauge, Histogram, Registry } from 'prom-client';
