import { DONE, type Model, type Process, WAIT, Words, wrong } from './explore.ts'

/**
 * A change of structure on trial, as engine/memory/trial.ts, plane/agent-writer.ts and box/trial-keeper.ts have it: an agent that
 * replaces one endpoint by another and may die half-way, a canary that may die, another thread, and the keeper that ends the
 * trial. A pick looks at the structure, then at the state of the trial, then at the bars: each may be older than the next.
 */
export const TRIAL_BROKEN = [
  'who is to leave is marked before the newcomer is published',
  'the newcomer is published without its bar',
  'a thread goes by the trial with a structure from before',
  'the old is unlisted before all go by the new',
  'the newcomer is unlisted before the canary goes by the old',
  'all are turned while the canary is lost',
  'nobody says that the canary is lost',
  'nobody looks whether the canary is still there',
  'a state is written without looking which it was',
] as const

/** States of TRIAL. */
const NONE = 0
const ON = 1
const LOST = 2
const SPREADING = 3
const WITHDRAWING = 4

/** Bits of LISTED, ARRIVING, LEAVING: the endpoint that was there, and the newcomer. */
const OLD = 1
const NEW = 2

/** What the agent's edit is published as. */
const TRIAL_VERSION = 1

export interface TrialSize {
  deaths: number
  /** Picks of each thread that picks. */
  picks: number
  /** The newcomer fails its trial. */
  fails: boolean
}

export function trialModel({ deaths, picks, fails }: TrialSize, variant?: (typeof TRIAL_BROKEN)[number]): Model {
  const is = (broken: (typeof TRIAL_BROKEN)[number]): boolean => variant === broken
  const words = new Words()
  const TRIAL = words.take()
  /** The structure: which version it is, and what it lists. */
  const VERSION = words.take()
  const LISTED = words.take()
  const ARRIVING = words.take()
  const LEAVING = words.take()
  /** 1 + whether it spread; 0 before that is decided. */
  const DECIDED = words.take()
  const EDITED = words.take()
  /** The seat of the canary is being given back. */
  const GONE = words.take()
  const AGENT_DEATH = words.take()
  const CANARY_DEATH = words.take()

  function agent(): Process {
    const marksFirst = is('who is to leave is marked before the newcomer is published')
    const steps: Process['steps'] = {
      'begins the trial': s => {
        s[TRIAL] = ON
        return 'looks whether the canary is there'
      },
      'looks whether the canary is there': s => {
        const isGone = s[GONE] === 1 && !is('nobody looks whether the canary is still there')
        if (isGone && s[TRIAL] === ON) s[TRIAL] = LOST
        return marksFirst ? 'marks who is to leave' : 'publishes'
      },
      publishes: s => {
        if (!is('the newcomer is published without its bar')) s[ARRIVING] = NEW
        s[LISTED]! |= NEW
        s[VERSION]!++
        if (!marksFirst) return 'marks who is to leave'
        s[EDITED] = 1
        return DONE
      },
      'marks who is to leave': s => {
        s[LEAVING] = OLD
        if (marksFirst) return 'publishes'
        s[EDITED] = 1
        return DONE
      },
    }
    return { name: 'agent', steps, deathWord: AGENT_DEATH }
  }

  function picker(name: string, isCanary: boolean): Process {
    const left = words.take()
    const version = words.take()
    const listed = words.take()
    const ignoresNew = words.take()
    const steps: Process['steps'] = {
      'looks at the structure': s => {
        s[version] = s[VERSION]!
        s[listed] = s[LISTED]!
        return 'looks at the trial'
      },
      'looks at the trial': s => {
        const isTried = s[TRIAL] === SPREADING || (isCanary && s[TRIAL] === ON)
        const isOfTrial = s[version]! >= TRIAL_VERSION || is('a thread goes by the trial with a structure from before')
        s[ignoresNew] = isTried && isOfTrial ? 1 : 0
        return 'looks at the bars'
      },
      'looks at the bars': s => {
        const barred = s[ignoresNew] === 1 ? s[LEAVING]! : s[ARRIVING]!
        const open = s[listed]! & ~barred
        if (open === 0) wrong(`${name} finds nobody to pick`)
        if (!isCanary && (open & NEW) !== 0 && s[DECIDED] !== 2) wrong(`${name} picks what has not been tried`)
        s[version] = s[listed] = s[ignoresNew] = 0
        s[left]!++
        return s[left] === picks ? DONE : 'looks at the structure'
      },
    }
    return { name, steps, ...(isCanary ? { deathWord: CANARY_DEATH } : {}) }
  }

  /** What freeSeat does when the canary has ended. */
  const supervisor: Process = {
    name: 'supervisor',
    isService: true,
    steps: {
      'waits for the end of the canary': s => {
        if (s[CANARY_DEATH] !== 1) return WAIT
        s[GONE] = 1
        return 'tells of it'
      },
      'tells of it': s => {
        s[CANARY_DEATH] = 2
        if (s[TRIAL] === ON && !is('nobody says that the canary is lost')) s[TRIAL] = LOST
        return 'waits for the end of the canary'
      },
    },
  }

  function keeper(): Process {
    const seen = words.take()
    /** Waits for the agent to have ended, one way or the other: five seconds are longer than an edit. */
    const isEditOver = (s: Uint8Array): boolean => s[EDITED] !== 0 || s[AGENT_DEATH] !== 0
    const turn = (s: Uint8Array, to: number): boolean => {
      if (s[TRIAL] !== s[seen] && !is('a state is written without looking which it was')) return false
      if (to === SPREADING && s[CANARY_DEATH] === 2 && (s[LISTED]! & NEW) !== 0)
        wrong('it is spread although the canary is known to be lost')
      s[TRIAL] = to
      s[DECIDED] = to === SPREADING ? 2 : 1
      return true
    }
    const unlistsFirst = is('the old is unlisted before all go by the new')
    const dropsFirst = is('the newcomer is unlisted before the canary goes by the old')
    const steps: Process['steps'] = {
      'looks at the trial': s => {
        if (s[TRIAL] === NONE || !isEditOver(s)) return WAIT
        s[seen] = s[TRIAL]!
        const holds = s[seen] === ON && !fails
        if (holds || is('all are turned while the canary is lost'))
          return unlistsFirst ? 'unlists the old' : 'turns all'
        return dropsFirst ? 'unlists the newcomer' : 'turns the canary back'
      },
      'turns all': s => (turn(s, SPREADING) ? 'clears the bar of the newcomer' : 'looks at the trial'),
      'clears the bar of the newcomer': s => {
        s[ARRIVING] = 0
        return 'unlists the old'
      },
      'unlists the old': s => {
        if (unlistsFirst && s[TRIAL] === SPREADING) return 'ends the trial'
        s[LISTED]! &= ~s[LEAVING]!
        s[VERSION]!++
        return unlistsFirst ? 'turns all' : 'ends the trial'
      },
      'turns the canary back': s => (turn(s, WITHDRAWING) ? 'clears the mark of the old' : 'looks at the trial'),
      'clears the mark of the old': s => {
        s[LEAVING] = 0
        return 'unlists the newcomer'
      },
      'unlists the newcomer': s => {
        if (dropsFirst && s[TRIAL] === WITHDRAWING) return 'ends the trial'
        s[LISTED]! &= ~s[ARRIVING]!
        s[VERSION]!++
        return dropsFirst ? 'turns the canary back' : 'ends the trial'
      },
      'ends the trial': s => {
        s[TRIAL] = NONE
        s[seen] = 0
        return 'looks at the trial'
      },
    }
    return { name: 'keeper', steps, isService: true }
  }

  const processes = [agent(), picker('the canary', true), picker('another thread', false), supervisor, keeper()]
  return {
    processes,
    words: words.count,
    deaths,
    begin(s) {
      s[LISTED] = OLD
    },
    atEnd(s) {
      if (s[TRIAL] !== NONE) return 'a trial does not end'
      if (s[LISTED] === 0) return 'nobody is listed'
      const hasSpread = s[DECIDED] === 2
      if (hasSpread && fails) return 'what fails its trial is spread'
      if (s[DECIDED] === 1 && s[LISTED] !== OLD) return 'what was taken back is listed'
      if (((s[ARRIVING]! | s[LEAVING]!) & s[LISTED]!) !== 0) return 'a bar of the trial is left'
      return undefined
    },
  }
}
