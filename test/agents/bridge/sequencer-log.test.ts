import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Written } from '../../../agents/bridge/sequencer.ts'
import { SequencerLog } from '../../../agents/bridge/sequencer-log.ts'
import { logFor } from './sequencer-here.ts'

const set = (key: string, revision: number): Written => {
  return { key, revision, entry: { key, value: `${revision}`, revision, madeAt: revision } }
}

describe('SequencerLog', () => {
  it('is never much longer than what stands, however many changes there were, and says the same', t => {
    const file = logFor(t)
    const { sequencer, log } = SequencerLog.open(file, 0)
    // Ten keys, each set anew again and again; all but one are gone in the end.
    let revision = 0
    for (let part = 0; part < 300; part++) {
      log.append(Array.from({ length: 100 }, (_, i) => set(`k${i % 10}`, ++revision)))
    }
    log.append(Array.from({ length: 9 }, (_, i) => ({ key: `k${i}`, revision: ++revision, entry: undefined })))
    const lines = readFileSync(file, 'utf8').trim().split('\n').length
    assert.ok(lines <= 10_001 + 100, `${lines} lines of 30,009 changes`)
    const again = SequencerLog.open(file, 0)
    assert.equal(again.sequencer.term, sequencer.term + 1)
    const [term, ...standing] = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    assert.deepEqual([term, standing], [{ term: 1 }, [set('k9', 30_000)]])
  })
})
