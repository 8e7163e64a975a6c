import assert from 'node:assert/strict'
import { test } from 'node:test'
import { trusted } from '../../../../agents/kit/grammar/schema.ts'
import { defineSignal } from '../../../../agents/kit/grammar/signal.ts'
import { Liaison } from '../../../../agents/kit/outside/liaison.ts'
import { type Delivery, FULL, SILENT, TAKEN, UNKNOWN } from '../../../../agents/kit/run/delivery.ts'
import { AgentWorker } from '../../../../agents/kit/supervision/worker.ts'
import { VirtualClock } from '../../../../agents/kit/virtual/virtual-clock.ts'

const wished = defineSignal('acme.work.wished')
const begun = defineSignal('acme.work.begun', { data: trusted<number>(), answers: wished })
const noted = defineSignal('acme.work.noted', { data: trusted<number>() })

const QUESTION = wished.of(null)

/** Asks threads that say so of what becomes of the question; `answer` is what an agent tells then. */
function asking(...deliveries: Delivery[]) {
  const clock = new VirtualClock(0)
  let id = ''
  const liaison = new Liaison({
    ...{ clock, dice: () => 0.5, attachment: {} as never, kinds: [wished, begun, noted] },
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
  const answer = (type: string = begun.type) => {
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
    assert.equal((await answered).type, begun.type)
  }
})

test('ask() takes for the answer what says that it answers the question, not what else follows from it', async () => {
  const { answered, answer, settled } = asking(TAKEN)
  await settled()
  answer(noted.type)
  answer()
  assert.equal((await answered).type, begun.type)
  // Of a kind that only its agent knows, it is not known what it answers.
  const other = asking(TAKEN)
  await other.settled()
  other.answer('acme.work.mumbled')
  assert.equal((await other.answered).type, 'acme.work.mumbled')
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
  const worker = new AgentWorker('idle', 16, { modules: [] })
  const signal = { ...QUESTION, id: '1', specversion: '1.0', source: '/test', time: '' } as const
  assert.deepEqual(await worker.hear(signal), { kind: 'silent' })
  worker.terminate()
  await worker.gone
  assert.deepEqual(await worker.hear(signal), { kind: 'silent' })
})
