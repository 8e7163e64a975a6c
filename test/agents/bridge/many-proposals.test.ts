import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Assembly, type AssemblyOptions, countingTwice, type Report } from './assembly.ts'
import { rewriting } from './borne-out.ts'
import { logFor, startSequencer } from './sequencer-here.ts'

/** SIGNALBOX_PROOF=full has ten thousand proposals in the air, over a sequencer with a file and over one without, in some forty seconds. */
const IS_FULL = process.env.SIGNALBOX_PROOF === 'full'
/** Nobody waits for it. */
const LONG_MS = 60_000

async function assemble(t: TestContext, options: Partial<AssemblyOptions>): Promise<Report> {
  const { keeps = true } = options
  const keeper = await startSequencer(t, keeps ? logFor(t) : undefined)
  const usual = { proposals: IS_FULL ? 10_000 : 600, deaths: IS_FULL ? 8 : 4, keeps, seed: 1, timeoutMs: LONG_MS }
  const assembly = new Assembly(keeper, { ...usual, ...options })
  const since = performance.now()
  const report = await assembly.run()
  const { told, checked, silent, deaths } = report
  const seconds = ((performance.now() - since) / 1000).toFixed(1)
  t.diagnostic(
    `${JSON.stringify(told)}, ${deaths} deaths, ${checked} calls checked, ${silent} unanswered, ${seconds} s`,
  )
  return report
}

describe('many proposals at once, while the sequencer dies again and again, and agents', () => {
  it('are decided once each, for votes that lie there, and all are told the same, where a file keeps them', async t => {
    const { faults, told } = await assemble(t, {})
    assert.deepEqual(faults.slice(0, 10), [])
    assert.ok(told.accepted > 0 && told.rejected > 0)
  })

  it('are decided once in each term, and no fence is used twice, where nothing keeps them', async t => {
    const { faults, told } = await assemble(t, { keeps: false, deaths: 4 })
    assert.deepEqual(faults.slice(0, 10), [])
    assert.ok(told.accepted > 0 && told.rejected > 0)
  })

  const small = { proposals: 150, deaths: 0 }
  it('would be found out where a vote counts twice', async t => {
    const spoil: AssemblyOptions['spoil'] = (store, agent) => (agent === 'b' ? countingTwice(store) : store)
    const { faults } = await assemble(t, { ...small, spoil })
    assert.match(faults.join('\n'), /not borne out/)
  })

  it('would be found out where a record can be written over', async t => {
    const { faults } = await assemble(t, { ...small, spoil: rewriting })
    assert.match(faults.join('\n'), /decided twice|told otherwise/)
  })

  it('would be found out where a fence is not checked', async t => {
    const { faults } = await assemble(t, { ...small, proposals: 400, isUnfenced: true })
    assert.match(faults.join('\n'), /something older was done/)
  })
})
