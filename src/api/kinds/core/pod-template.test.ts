import { expect, test } from 'vitest';
import { create, decode, definitionOf, row, update, withField } from '../strategy.suite.ts';

const templates = definitionOf('podtemplates');
const base = {
  metadata: { name: 't', namespace: 'b' },
  template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'nginx:1' }] } },
};

test('a PodTemplate is defaulted and validated as pods of it would be', () => {
  expect(create(templates, base)).toMatchObject({ faults: [], warnings: [], object: { template: { spec: { restartPolicy: 'Always' } } } });
  expect(create(templates, { metadata: base.metadata }).faults).toEqual(['template.spec.containers: Required value']);
  const manifest = withField(base, 'template.spec.containers.0.image', '');
  expect(update(templates, { old: decode(templates, base), manifest }).faults).toEqual([
    'template.spec.containers[0].image: Required value',
  ]);
  const warned = withField(base, 'template.spec.nodeSelector', { 'beta.kubernetes.io/arch': 'amd64' });
  expect(create(templates, warned).warnings).toEqual([
    'template.spec.nodeSelector[beta.kubernetes.io/arch]: deprecated since v1.14; use "kubernetes.io/arch" instead',
  ]);
});

test('the row of a PodTemplate has no age', () => {
  expect(row(templates, decode(templates, base))).toEqual({ Name: 't', Containers: 'c', Images: 'nginx:1', 'Pod Labels': 'app=web' });
  expect(templates.columns.map(({ priority }) => priority)).toEqual([0, 0, 0, 0]);
});
