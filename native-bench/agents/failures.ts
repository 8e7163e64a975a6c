import { createAgents } from '../../agents/index.ts'
import { type Box, createSignalbox } from '../../engine/index.ts'
import type { Begun, Journey } from '../harness.ts'

/** How long it takes until something that has failed is left alone, and until it is back: agents in real threads, over real clocks. */
export function failureJourneys(): Journey[] {
  return [
    { name: 'detect/five failures to ejected', times: 100, start: startDetection },
    { name: 'recover/killed agent to running', times: 20, start: startRecovery },
  ]
}

/** From one look to the next, as long as a pick under load would take to come. */
const POLL_MS = 0.2
/** Until a spare thread is there again. */
const SPARE_MS = 2_000
/** Short, so that the next one need not wait for it. */
const EJECTION = { baseEjection: '50ms', maxEjection: '50ms', ejectionJitter: '0%' } as const

/** Requests of one endpoint fail, all others go well, until no pick leads there any more. */
async function startDetection(): Promise<Begun> {
  const box = await boxOf(createAgents())
  const router = box.router('api')
  const isPickable = (): boolean => box.explain('api').endpoints[0]!.isPickable
  const settle = (): void => {
    for (let i = 0; i < ENDPOINTS.length; i++) {
      const ticket = router.pick()
      router.settle(ticket, router.endpoint(ticket).id === 'a' ? 'error' : 'ok', 1_000)
    }
  }
  return {
    ready: () => until(isPickable),
    once: () =>
      until(() => {
        settle()
        return !isPickable()
      }),
    stop: () => box.close(),
  }
}

/** An agent is killed, until another of its kind runs in a thread of its own. */
async function startRecovery(): Promise<Begun> {
  const box = await boxOf(createAgents({ threads: 'dedicated', profile: 'fast', restarts: 1_000, backOffMsMax: 1 }))
  const statusOf = () => box.control!.status().find(({ name }) => name === 'load-balancer')!
  const isRunning = (): boolean => statusOf().state === 'running'
  return {
    async ready() {
      await until(isRunning)
      await new Promise(resolve => setTimeout(resolve, SPARE_MS))
    },
    async once() {
      const { incarnation } = statusOf()
      await box.control!.kill('load-balancer')
      await until(() => isRunning() && statusOf().incarnation > incarnation)
    },
    stop: () => box.close(),
  }
}

const ENDPOINTS = ['a', 'b', 'c', 'd']

function boxOf(control: ReturnType<typeof createAgents>): Promise<Box> {
  const endpoints = ENDPOINTS.map((id, i) => ({ id, url: `http://127.0.0.1:${i + 1}` }))
  return createSignalbox({ services: { api: { policy: 'round-robin', endpoints, outlier: EJECTION } } }, { control })
}

async function until(claim: () => boolean): Promise<void> {
  while (!claim()) await new Promise(resolve => setTimeout(resolve, POLL_MS))
}
