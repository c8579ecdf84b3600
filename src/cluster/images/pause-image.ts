/** The pause image that every sandbox starts from, made on this machine. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ctx } from '../../base/index.ts';
import { buildImage, type EngineAddress, inScratch } from './images.ts';
import { pauseImageName } from './pause-image-name.ts';
import { pauseProgram } from './pause-program.ts';

export async function loadPauseImage(engine: EngineAddress, ctx: Ctx): Promise<void> {
  await inScratch(async (scratch) => {
    const directory = join(scratch, 'rootfs');
    mkdirSync(directory);
    writeFileSync(join(directory, 'pause'), pauseProgram(), { mode: 0o755 });
    await buildImage([engine], { image: pauseImageName, directory, settings: { entrypoint: ['/pause'] } }, ctx);
  });
}
