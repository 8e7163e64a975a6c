import { defineAction } from '../../kit/grammar/action.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'

/** Where all nodes read what the one that leads has written. */
export const CLUSTER = 'cluster'

/** What came of writing: false where a later leader has written, or there is nothing to write to. */
export const recordWritten = defineSignal('signalbox.record.written', {
  data: trusted<{ readonly name: string; readonly isWritten: boolean }>(),
})

/**
 * Writes one record for all nodes, on behalf of a fence; refused where a higher one has written. `turn`: the how-manieth write it is, where
 * an earlier one that is late must not replace it.
 */
export const writeRecord = defineAction({
  name: 'write-record',
  done: recordWritten,
  timeoutMs: 10_000,
  async run(
    { name, fence, value, turn = 0 }: { name: string; fence: number; value: unknown; turn?: number },
    { bridge },
  ) {
    return { name, isWritten: bridge !== undefined && (await bridge.records(CLUSTER).write(name, fence, value, turn)) }
  },
})

/** What lies under a name; undefined: nothing does, or nobody can say. */
export const recordRead = defineSignal('signalbox.record.read', {
  data: trusted<{ readonly name: string; readonly value: unknown; readonly turn: number }>(),
})

/** Reads one record, as soon as all is known that was written before. */
export const readRecord = defineAction({
  name: 'read-record',
  done: recordRead,
  timeoutMs: 10_000,
  async run({ name }: { name: string }, { bridge }) {
    const records = bridge?.records(CLUSTER)
    while (records !== undefined && !records.isCurrent) await records.changed()
    const { value, turn = 0 } = records?.get(name) ?? {}
    return { name, value, turn }
  },
})
