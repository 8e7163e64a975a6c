import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Liaison } from '../../../../agents/kit/outside/liaison.ts'
import { type Delivery, FULL, SILENT, TAKEN, UNKNOWN } from '../../../../agents/kit/run/delivery.ts'
import { AgentWorker } from '../../../../agents/kit/supervision/worker.ts'
import { VirtualClock } from '../../../../agents/kit/virtual/virtual-clock.ts'

const QUESTION = { type: 'acme.work.wished', data: null }

/** Asks threads that say so of what becomes of the question; `answer` is what an agent tells then. */
function asking(...deliveries: Delivery[]) {
  const clock = new VirtualClock(0)
  let id = ''
  const liaison = new Liaison({
    ...{ clock, dice: () => 0.5, attachment: {} as never, kinds: [] },
    hearers: () =>
      deliveries.map(delivery => ({
        hear: async signal => {
          id = signal.id
          return delivery
        },
        deadLetters: async () => [],
        redrive: async () => 0,
      })),
    knows: () => true,
    describe: () => 'worker running',
  })
  const answered = liaison.ask(QUESTION, { timeoutMs: 1_000 })
  answered.catch(() => {})
  const settled = async () => {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  }
  const answer = (type = 'acme.work.begun') => {
    const signal = { id: 'a', specversion: '1.0', type, source: '/test', time: '', data: 1, causationid: id } as const
    liaison.told(signal, [])
  }
  return { clock, answered, answer, settled }
}

test('ask() waits for the answer of a thread that has not said in time that it took the question', async () => {
  for (const deliveries of [[UNKNOWN, SILENT], [TAKEN, SILENT], [SILENT]]) {
    const { answered, answer, settled } = asking(...deliveries)
    await settled()
    answer()
    assert.equal((await answered).type, 'acme.work.begun')
  }
})

test('ask() of threads that stay silent rejects as one that is not answered, not as one that is refused', async () => {
  const { answered, settled, clock } = asking(SILENT)
  await settled()
  clock.advance(1_000)
  await assert.rejects(answered, { code: 'SBX_AGENT_SILENT' })
})

test('ask() is refused where a mailbox says that it has no room', async () => {
  await assert.rejects(asking(UNKNOWN, SILENT, FULL).answered, { code: 'SBX_SIGNAL_REFUSED' })
})

test('a thread that does not turn, or is gone, is silent: that it has no room only a mailbox says', async () => {
  // Its agents have not been named yet, so that its orders wait.
  const worker = new AgentWorker('idle', { modules: [] })
  const signal = { ...QUESTION, id: '1', specversion: '1.0', source: '/test', time: '' } as const
  assert.deepEqual(await worker.hear(signal), { kind: 'silent' })
  worker.terminate()
  await worker.gone
  assert.deepEqual(await worker.hear(signal), { kind: 'silent' })
})
