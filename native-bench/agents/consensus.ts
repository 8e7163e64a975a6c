import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Consensus } from '../../agents/bridge/consensus.ts'
import { SequencerKeeper } from '../../agents/bridge/sequencer-keeper.ts'
import type { Journey } from '../harness.ts'

const ECHO = new URL(`./echo-thread${extname(import.meta.url)}`, import.meta.url)
const NAMES = ['a', 'b', 'c']
/** Nobody waits for it. */
const LONG_MS = 60_000

/**
 * How long it takes from a proposal to its decision: three agents in this thread, each with a store of its own, and the sequencer in another.
 * Beside it what is the least: one message there and back.
 */
export function consensusJourneys(): Journey[] {
  return [
    { name: 'agree/null/message there and back', start: startEcho },
    { name: 'agree/consensus/3 agents', start: () => startConsensus(undefined) },
    {
      name: 'agree/consensus/3 agents, fsync',
      async start() {
        const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'))
        const { once, stop } = await startConsensus(join(folder, 'sequencer.log'))
        const stopAll = async (): Promise<void> => {
          await stop()
          rmSync(folder, { recursive: true, force: true })
        }
        return { once, stop: stopAll }
      },
    },
  ]
}

async function startEcho(): ReturnType<Journey['start']> {
  const worker = new Worker(ECHO)
  let arrive = (): void => {}
  worker.on('message', () => arrive())
  const once = (): Promise<void> =>
    new Promise(resolve => {
      arrive = resolve
      worker.postMessage('there and back')
    })
  return { once, stop: async () => void (await worker.terminate()) }
}

async function startConsensus(file: string | undefined): ReturnType<Journey['start']> {
  const keeper = await SequencerKeeper.start(file)
  const vote = (): { ballot: 'yes'; reason: string } => ({ ballot: 'yes', reason: '' })
  const agents = NAMES.map(agent => new Consensus(keeper.open(), { agent, incarnation: 1, vote }))
  const voters = NAMES.map(agent => ({ agent, incarnation: 1 }))
  let episode = 0
  const once = async (): Promise<void> => {
    const id = agents[0].propose({
      ...{ type: 'bench', subject: 'e0', episode: episode++, payload: null },
      ...{ voters, rule: 'majority', timeoutMs: LONG_MS },
    })
    const { status } = await agents[0].result(id, LONG_MS)
    if (status !== 'accepted') throw new Error(`Cannot measure: a proposal was ${status}, it should be accepted`)
  }
  const stop = async (): Promise<void> => {
    for (const agent of agents) agent.close()
    await keeper.close()
  }
  return { once, stop }
}
