import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeSnapshot } from '../../engine/box/snapshot/format.ts'
import { StateFolder } from '../../engine/box/snapshot/state-folder.ts'

/**
 * A process that writes one snapshot after the other into the folder of its first argument, until it is killed. With `in place` as the
 * second it writes over the file that is read: what must not be done.
 */
const [path = '', how = ''] = process.argv.slice(2)
const folder = new StateFolder(path)
// Some hundred kilobytes each, so that a write takes its time; laid out before, so that nearly all of the time is that of writes.
const snapshots = [1, 2, 3].map(takenAtMs =>
  encodeSnapshot({ takenAtMs, services: [], sessions: new Int32Array(100_000).fill(takenAtMs) }),
)
for (let round = 1; ; round++) {
  for (const bytes of snapshots) {
    if (how === 'in place') writeFileSync(join(path, 'tables.snapshot'), bytes)
    else await folder.write(bytes)
  }
  if (round === 1) process.stdout.write('writes\n')
}
