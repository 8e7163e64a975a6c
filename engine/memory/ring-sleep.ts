import { atomics } from './atomics.ts'
import { SLEEPING } from './ring-layout.ts'

/**
 * How long a sleep goes without looking again, in ms. The handshake below loses no wake-up, but a writer may die
 * between its commit and its notify, and a runtime may forget a pending `waitAsync`: then work lies here for this long
 * at most.
 */
const SLICE_MS = 50

/**
 * Wakes the reader if it sleeps; called by a writer after it made a record readable. Says whether it did: a reader that dozes waits for
 * no word of memory, and whoever woke it has to reach its event loop.
 *
 * writes    SLEEPING, 1 to 0
 * reads     SLEEPING
 * ordering  SeqCst load of SLEEPING after the SeqCst store that made the record readable: either this sees the reader's
 *           1, or the reader's second look sees the record. All of them Atomics: with one plain access among them both
 *           can miss
 * progress  wait-free; one load while the reader is awake, a system call only when it sleeps
 * pairs     sleep, sleepAsync and doze
 */
export function wakeReader(words: Int32Array): boolean {
  if (atomics.load(words, SLEEPING) === 0) return false
  // Only one of several writers pays for the notify. All sleepers of this word are the one reader: its present wait,
  // and perhaps an asynchronous one that it gave up on, which must not swallow the wake-up.
  if (atomics.compareExchange(words, SLEEPING, 1, 0) !== 1) return false
  atomics.notify(words, SLEEPING)
  return true
}

/**
 * Notes that the reader looks no more, unless there is something to read; says whether it dozes now. It waits for nothing: the writer
 * whose commit ends the doze is told, and sends word.
 *
 * writes    SLEEPING
 * reads     whatever `isReadable` reads
 * ordering  SeqCst store of SLEEPING, then the look: either it sees the record, or the writer of the record sees the 1. Both may be:
 *           then word is sent in vain
 * progress  wait-free
 * pairs     wakeReader
 */
export function doze(words: Int32Array, isReadable: () => boolean): boolean {
  atomics.store(words, SLEEPING, 1)
  if (!isReadable()) return true
  atomics.store(words, SLEEPING, 0)
  return false
}

/**
 * Blocks this thread until `isReadable` or `timeoutMs` passed; says whether it is readable.
 *
 * writes    SLEEPING
 * reads     whatever `isReadable` reads, and SLEEPING
 * ordering  SeqCst store of SLEEPING, then the look again, then the wait, which refuses to sleep once SLEEPING is 0
 * progress  blocking, never longer than `timeoutMs`; not for a thread that serves sockets
 * pairs     wakeReader
 */
export function sleep(words: Int32Array, isReadable: () => boolean, timeoutMs: number): boolean {
  const until = performance.now() + timeoutMs
  for (;;) {
    if (isReadable()) return true
    const leftMs = until - performance.now()
    if (!(leftMs > 0)) return false
    atomics.store(words, SLEEPING, 1)
    if (!isReadable()) atomics.wait(words, SLEEPING, 1, Math.min(leftMs, SLICE_MS))
    atomics.store(words, SLEEPING, 0)
  }
}

/**
 * The same without blocking the thread. While it waits, a timer holds the thread's event loop open: a pending
 * `waitAsync` alone does not.
 *
 * writes    SLEEPING
 * reads     whatever `isReadable` reads, and SLEEPING
 * ordering  as in `sleep`
 * progress  resolves within `timeoutMs` (and one turn of the event loop), whether or not the wake-up arrives
 * pairs     wakeReader
 */
export async function sleepAsync(words: Int32Array, isReadable: () => boolean, timeoutMs: number): Promise<boolean> {
  const until = performance.now() + timeoutMs
  for (;;) {
    if (isReadable()) return true
    const leftMs = until - performance.now()
    if (!(leftMs > 0)) return false
    atomics.store(words, SLEEPING, 1)
    if (!isReadable()) await waitSlice(words, Math.min(leftMs, SLICE_MS))
    atomics.store(words, SLEEPING, 0)
  }
}

/** One `waitAsync` of at most `sliceMs`, with a timer of our own beside it as the net. */
function waitSlice(words: Int32Array, sliceMs: number): Promise<unknown> {
  const wait = Atomics.waitAsync(words, SLEEPING, 1, sliceMs)
  if (!wait.async) return Promise.resolve()
  return new Promise<void>(resolve => {
    const net = setTimeout(resolve, sliceMs)
    wait.value.then(() => {
      clearTimeout(net)
      resolve()
    })
  })
}
