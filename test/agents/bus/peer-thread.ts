import { type MessagePort, workerData } from 'node:worker_threads'
import { LocalBus } from '../../../agents/bus/local.ts'

/** Words that a peer and the test share. */
export const FACTS = 0
export const READINGS = 1
/** 1 while the peer stands in a loop, 2 when the test lets it go. */
export const BLOCK = 2

export const TOLD = 'signalbox.test.told'
export const MEASURED = 'signalbox.test.measured'
export const BLOCKED = 'signalbox.test.blocked'

/** However a test goes wrong, the thread ends. */
const BLOCK_MS_MAX = 30_000

interface PeerStart {
  readonly port: MessagePort
  readonly words: Int32Array<SharedArrayBuffer>
}

/** A peer that counts what it hears. Told to block, it hears nothing more until it is let go. */
function main({ port, words }: PeerStart): void {
  const bus = new LocalBus([TOLD, MEASURED, BLOCKED], ({ type }) => {
    if (type !== BLOCKED) {
      Atomics.add(words, type === TOLD ? FACTS : READINGS, 1)
      return
    }
    const until = performance.now() + BLOCK_MS_MAX
    Atomics.store(words, BLOCK, 1)
    while (Atomics.load(words, BLOCK) === 1 && performance.now() < until);
  })
  bus.link('test', port)
}

if (workerData?.words !== undefined) main(workerData as PeerStart)
