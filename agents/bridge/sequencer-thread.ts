import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { realClock } from './clock.ts'
import { Sequencer } from './sequencer.ts'
import { type Caller, SequencerDesk } from './sequencer-desk.ts'
import { SequencerLog } from './sequencer-log.ts'
import { type Asked, bundler, type Noted, type Told } from './wire.ts'

/** What a sequencer's thread is started with: a file to keep its changes in, or the term it begins with nothing in. */
export type SequencerStart = { readonly file: string } | { readonly term: number }

/** From the starter: somebody who asks, by this port. */
export interface Joined {
  readonly port: MessagePort
}

/** To the starter, once. */
export interface Begun {
  readonly term: number
}

const starter = parentPort as MessagePort
const start = workerData as SequencerStart
const { sequencer, log } =
  'file' in start
    ? SequencerLog.open(start.file, realClock.now())
    : { sequencer: new Sequencer(start.term), log: undefined }
const desk = new SequencerDesk(sequencer, log)
let callOff = (): void => {}

function settle(): void {
  callOff()
  const nextMs = desk.settle(realClock.now())
  if (nextMs !== Number.POSITIVE_INFINITY)
    callOff = realClock.later(Math.max(1, Math.ceil(nextMs - realClock.now())), settle)
}

starter.on('message', ({ port }: Joined) => {
  const caller: Caller = { tell: bundler<Told | Noted>(port).post }
  // All that has arrived in this turn is carried out together, and kept with one fsync.
  port.on('message', (bundle: Asked[]) => {
    for (const asked of bundle) if (desk.ask(caller, asked)) setImmediate(settle)
  })
  port.on('close', () => desk.leave(caller))
})
starter.postMessage({ term: sequencer.term } satisfies Begun)
