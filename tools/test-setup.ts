/**
 * Runs before every test file. Workers are shared by files, and a worker in which nothing had loaded TLS before the first certificate was
 * made got a `node:tls` without `createSecureContext` afterwards; loading it first keeps it whole.
 */
import 'node:tls';
import 'node:https';
