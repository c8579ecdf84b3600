/** One extender of the configuration. @source kube-scheduler config/v1 Extender, v1.35 */
import { fieldErrors } from '../../api/index.ts';
import type { ExtenderConfiguration, ExtenderTls } from './configuration.ts';
import type { FieldReader } from './field-reader.ts';

/** @source kube-scheduler extender.go DefaultExtenderTimeout */
const defaultTimeoutMs = 5_000;

export function readExtender(reader: FieldReader): ExtenderConfiguration {
  const extender: ExtenderConfiguration = {
    urlPrefix: reader.text('urlPrefix'),
    filterVerb: reader.text('filterVerb'),
    preemptVerb: reader.text('preemptVerb'),
    prioritizeVerb: reader.text('prioritizeVerb'),
    bindVerb: reader.text('bindVerb'),
    weight: reader.integer('weight', 0),
    enableHttps: reader.boolean('enableHTTPS', false),
    tls: reader.has('tlsConfig') ? readTls(reader.object('tlsConfig')) : undefined,
    httpTimeoutMs: reader.durationMs('httpTimeout') || defaultTimeoutMs,
    nodeCacheCapable: reader.boolean('nodeCacheCapable', false),
    managedResources: reader.objects('managedResources').map((resource) => {
      const read = { name: resource.text('name'), ignoredByScheduler: resource.boolean('ignoredByScheduler', false) };
      resource.end();
      return read;
    }),
    ignorable: reader.boolean('ignorable', false),
  };
  reader.end();
  if (!/^https?:\/\//.test(extender.urlPrefix))
    reader.fault(fieldErrors.invalidValue(reader.at('urlPrefix'), extender.urlPrefix, 'must be the URL of the extender'));
  return extender;
}

function readTls(reader: FieldReader): ExtenderTls {
  const pem = (name: string): string => atob(reader.text(name));
  const tls: ExtenderTls = {
    insecure: reader.boolean('insecure', false),
    serverName: reader.text('serverName'),
    certFile: reader.text('certFile'),
    keyFile: reader.text('keyFile'),
    caFile: reader.text('caFile'),
    certData: pem('certData'),
    keyData: pem('keyData'),
    caData: pem('caData'),
  };
  reader.end();
  return tls;
}
