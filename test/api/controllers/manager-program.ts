/**
 * A controller manager as a process that says in each write who it is, so that a history tells who wrote what. With `--unfenced` its writes
 * lean on nothing: the bug that the history's checker must find.
 */
import { readFlagWords } from '../../../src/api/flags/index.ts';
import { createLogger, keepAlive, systemClock, systemRandom } from '../../../src/base/index.ts';
import type { Transport } from '../../../src/client/index.ts';
import {
  controllerManagerFlags,
  readControllerManagerFlags,
  runControllerManager,
} from '../../../src/controlplane/controller-manager/index.ts';

const stop = new AbortController();
const [name = '', ...words] = process.argv.slice(2);
const unfenced = words.includes('--unfenced');
const { values } = readControllerManagerFlags(
  readFlagWords(
    controllerManagerFlags,
    words.filter((word) => word !== '--unfenced'),
  ).given,
);

/** Until a request has surely left the process. */
const sentAfterMs = 100;

function signed(transport: Transport): Transport {
  return {
    ...transport,
    watch: (request) => transport.watch(request),
    close: () => transport.close(),
    request: ({ fence, ...request }) => {
      if (request.verb === 'get' || request.verb === 'list') return transport.request(request);
      const query = { ...request.query, fieldManager: name };
      const answer = transport.request({ ...request, query, ...(fence && !unfenced && { fence }) });
      if (request.resource.plural === 'pods')
        void systemClock.sleep(sentAfterMs, stop.signal).then(
          () => process.stdout.write('wrote\n'),
          () => {},
        );
      return answer;
    },
  };
}

using _alive = keepAlive();
process.once('SIGTERM', () => stop.abort());
try {
  await runControllerManager(
    {
      flags: values,
      version: { major: '1', minor: '35', gitVersion: 'v1.35.0' },
      clock: systemClock,
      random: systemRandom,
      log: createLogger({ component: name, level: 'error' }),
      wrap: signed,
    },
    stop.signal,
  );
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
}
// Without the lead it ends at once, as upstream's does.
process.exit(1);
