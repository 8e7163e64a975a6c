import { isMainThread, workerData } from 'node:worker_threads'
import { useAtomics } from '../../../engine/memory/atomics.ts'
import { Actor, Death } from './actor.ts'
import { actorAt, boardOf, DEAD, STATE_DEAD, STATE_DONE, STATE_FAILED, STATE_READY, THREAD } from './control.ts'
import { FAULTS, LATE_WRITES } from './faults.ts'
import { SCENARIOS } from './scenarios.ts'
import { watch } from './watched.ts'

/** What an actor is told at its start; it then plays its role once per turn that begins a run. */
export interface ActorTask {
  scenario: string
  fault?: string
  actor: number
  actors: number
  control: Int32Array
  world: SharedArrayBuffer
}

if (!isMainThread && workerData !== null && typeof workerData === 'object' && 'scenario' in workerData) {
  play(workerData as ActorTask)
}

function play({ scenario: name, fault, actor: id, actors, control, world }: ActorTask): void {
  const scenario = SCENARIOS[name]!
  const role = scenario.roles[id]!
  const actor = new Actor(control, id)
  const board = boardOf(control, actors)
  const target = scenario.wordsOf(world)
  const words = watch(
    target,
    (operation, word) => actor.step(operation, word),
    scenario.stopsAt(target),
    fault === LATE_WRITES,
  )
  const stopping = actor.seam(words.unwrap, words.afterOperation)
  for (let state = STATE_READY; ; ) {
    actor.stop(state)
    actor.isDead = false
    useAtomics(fault === undefined || fault === LATE_WRITES ? stopping : FAULTS[fault]!(stopping, target))
    try {
      const dead = control[DEAD]! - 1
      const deadThread = dead < 0 ? -1 : control[actorAt(dead) + THREAD]!
      role.play({ world, words: words.words, board, actor: id, dead, deadThread })
      state = STATE_DONE
    } catch (error) {
      state = error instanceof Death ? STATE_DEAD : STATE_FAILED
      if (state === STATE_FAILED) actor.tellError(error)
    }
    words.settle()
  }
}
