import { atomics } from './atomics.ts'

/**
 * Blocks this thread until it is terminated: its event loop never turns again.
 *
 * writes    nothing
 * ordering  SeqCst wait on a word nobody else knows
 * progress  blocking, for ever: only for a thread whose whole purpose is to hold something open
 * pairs     worker.terminate()
 */
export function standStill(): void {
  atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}
