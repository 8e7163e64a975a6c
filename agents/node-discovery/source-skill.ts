import type { Edge } from '../kit/grammar/action.ts'
import { stay } from '../kit/grammar/directive.ts'
import { type AnySensor, defineSensor } from '../kit/grammar/sensor.ts'
import { defineSkill, type Mounted } from '../kit/grammar/skill.ts'
import type { Answer, Said } from './answer.ts'
import { type Contents, type LastGood, readEndpoints, watchedBy } from './files/read-endpoints.ts'
import { untilChanged } from './files/until-changed.ts'
import { askNeighbours } from './names/ask-neighbours.ts'
import { resolveName } from './names/resolve.ts'
import type { Plan } from './plans.ts'
import { endpointsRegistered } from './registered.ts'
import { sourceAnswered } from './signals.ts'

/** A folder that does not tell is read so often. */
const FILE_PATIENCE_MS = 10_000
/** From one look at the copy of the registry to the next. */
const REGISTRY_MS = 2_000
/** After a failure it is asked again after so long, and twice as long each time. */
const AGAIN_MS = 1_000

/** What a source is asked with. */
type Way = Pick<Edge, 'later' | 'signal' | 'bridge'>

/** Asks a source once. What is wrong with it is an answer, and so is that it has not answered in time. */
export function lookUp(plan: Plan, { later, signal, bridge }: Way): Promise<Answer> {
  const { timeoutMs } = plan
  const abort = new AbortController()
  const onAbort = (): void => abort.abort()
  signal.addEventListener('abort', onAbort, { once: true })
  return new Promise(resolve => {
    const end = (said: Said): void => {
      callOff()
      signal.removeEventListener('abort', onAbort)
      abort.abort()
      resolve(answerOf(plan, said))
    }
    const callOff = later(timeoutMs, () => end({ kind: 'failed', reason: `no answer within ${timeoutMs} ms` }))
    void failing(() => ask(plan, { later, signal: abort.signal, bridge })).then(end)
  })
}

async function ask(plan: Plan, way: Way): Promise<Said> {
  switch (plan.by) {
    case 'dns':
      return resolveName(plan, way.signal)
    case 'multicast':
      return askNeighbours(plan, way)
    case 'registry':
      return endpointsRegistered(plan, way.bridge)
    default:
      return (await readEndpoints(plan, new Map())).said
  }
}

async function failing(asked: () => Promise<Said>): Promise<Said> {
  try {
    return await asked()
  } catch (error) {
    return { kind: 'failed', reason: (error as Error).message }
  }
}

function answerOf({ key, by }: Plan, said: Said): Answer {
  return { source: key, by, said }
}

/**
 * A source that is looked at from now on: a skill of its own, which hears nothing and decides nothing, and whose sensor tells the agent
 * what the source says. It is mounted while the config names the source.
 */
export function sourceSkill(plan: Plan): Mounted<Plan> {
  const skill = defineSkill({
    name: 'source',
    sensors: [sensorOf(plan)],
    start: (started: Plan) => stay(started),
    decide: started => stay(started),
  })
  return skill.mount(`source ${plan.key}`, plan)
}

function sensorOf(plan: Plan): AnySensor {
  if (plan.by === 'file') return fileContents(plan)
  return plan.by === 'registry' ? registryRoles(plan) : dnsResolution(plan)
}

/**
 * Resolves a name again when its answer has expired, within the bounds of the source; after a failure, or an answer of nothing, after 1,
 * 2, 4 s ….
 */
function dnsResolution(plan: Plan): AnySensor {
  const { min, max } = plan.entry.refresh!
  return defineSensor({
    name: 'dns-resolution',
    emits: sourceAnswered,
    everyMs: min,
    timeoutMs: plan.timeoutMs + 1_000,
    isOutside: true,
    start: () => 0,
    read: edge => lookUp(plan, edge),
    perceive: (failures: number, answer: Answer) => {
      const { said } = answer
      const readings = [sourceAnswered.of(answer)]
      if (said.kind === 'failed' || said.endpoints.length === 0) {
        const nextMs = Math.min(max, Math.max(min, AGAIN_MS * 2 ** Math.min(failures, 10)))
        return { memory: failures + 1, readings, nextMs }
      }
      return { memory: 0, readings, nextMs: Math.min(max, Math.max(min, said.ttlMs ?? max)) }
    },
  })
}

/** Reads a file or a folder, then waits until something changes there, and reads again. */
function fileContents(plan: Plan): AnySensor {
  let lastGood: LastGood = new Map()
  let before: string | undefined
  return defineSensor({
    name: 'file-contents',
    emits: sourceAnswered,
    everyMs: 0,
    timeoutMs: 4 * FILE_PATIENCE_MS,
    isOutside: true,
    start: () => null,
    read: async (edge): Promise<Said | undefined> => {
      const watching = untilChanged(watchedBy(plan), FILE_PATIENCE_MS, edge)
      try {
        const now = await contents()
        if (now !== undefined) return now
        await watching.changed
        return await contents()
      } finally {
        watching.close()
      }
    },
    perceive: (memory: null, said: Said | undefined) => ({
      memory,
      readings: said === undefined ? [] : [sourceAnswered.of(answerOf(plan, said))],
    }),
  })

  /** undefined: they are what they were. */
  async function contents(): Promise<Said | undefined> {
    let read: Contents
    try {
      read = await readEndpoints(plan, lastGood)
    } catch (error) {
      const reason = (error as Error).message
      if (before === reason) return undefined
      before = reason
      return { kind: 'failed', reason }
    }
    if (read.digest === before) return undefined
    before = read.digest
    lastGood = read.lastGood
    return read.said
  }
}

/** Follows those who registered for a role. What has changed is told twice: who is missing in two answers is gone. */
function registryRoles(plan: Plan): AnySensor {
  return defineSensor({
    name: 'registry-roles',
    emits: sourceAnswered,
    everyMs: REGISTRY_MS,
    start: () => ({ text: '', isConfirmed: false }),
    read: ({ bridge }) => endpointsRegistered(plan, bridge),
    perceive: (memory: { text: string; isConfirmed: boolean }, said: Said) => {
      const text = JSON.stringify(said)
      const isSame = text === memory.text
      return {
        memory: { text, isConfirmed: isSame },
        readings: isSame && memory.isConfirmed ? [] : [sourceAnswered.of(answerOf(plan, said))],
      }
    },
  })
}
