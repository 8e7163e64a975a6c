import { DONE, type Model, type Process, WAIT, Words } from './explore.ts'

/**
 * engine/memory/ring-sleep.ts as a model: two writers make records readable and wake a reader that sleeps when it finds
 * nothing. Nobody looks after a while here, as the shipped sleep does: the handshake alone must lose no wake-up.
 */
export const RING_SLEEP_BROKEN = [
  'no look after the announcement',
  'the writer looks for a sleeper before it commits',
  'the sleep begins whatever the word says',
] as const

export function ringSleepModel(records: number, variant?: (typeof RING_SLEEP_BROKEN)[number]): Model {
  const is = (broken: (typeof RING_SLEEP_BROKEN)[number]): boolean => variant === broken
  const words = new Words()
  const COMMITTED = words.take()
  const SLEEPING = words.take()
  const IS_ASLEEP = words.take()

  function writer(w: number): Process {
    const left = words.take()
    const looksEarly = is('the writer looks for a sleeper before it commits')
    const sawSleeper = words.take()
    const onward = (s: Uint8Array): string => {
      s[sawSleeper] = 0
      s[left]!++
      return s[left] === records ? DONE : looksEarly ? 'loads SLEEPING' : 'commits'
    }
    const commit = (s: Uint8Array): string => {
      s[COMMITTED]!++
      if (!looksEarly) return 'loads SLEEPING'
      return s[sawSleeper] === 1 ? 'clears SLEEPING' : onward(s)
    }
    const load = (s: Uint8Array): string => {
      s[sawSleeper] = s[SLEEPING]!
      if (looksEarly) return 'commits'
      return s[SLEEPING] === 1 ? 'clears SLEEPING' : onward(s)
    }
    const rest: Process['steps'] = {
      'clears SLEEPING': s => {
        if (s[SLEEPING] !== 1) return onward(s)
        s[SLEEPING] = 0
        return 'wakes the reader'
      },
      'wakes the reader': s => {
        s[IS_ASLEEP] = 0
        return onward(s)
      },
    }
    const steps = looksEarly
      ? { 'loads SLEEPING': load, commits: commit, ...rest }
      : { commits: commit, 'loads SLEEPING': load, ...rest }
    return { name: `writer ${w}`, steps }
  }

  const heard = words.take()
  const reader: Process = {
    name: 'reader',
    steps: {
      looks: s => {
        if (s[heard] === 2 * records) return DONE
        if (s[heard] === s[COMMITTED]) return 'says that it sleeps'
        s[heard] = s[COMMITTED]!
        return 'looks'
      },
      'says that it sleeps': s => {
        s[SLEEPING] = 1
        return is('no look after the announcement') ? 'begins to sleep' : 'looks again'
      },
      'looks again': s => (s[heard] === s[COMMITTED] ? 'begins to sleep' : 'says that it is awake'),
      'begins to sleep': s => {
        if (s[SLEEPING] !== 1 && !is('the sleep begins whatever the word says')) return 'says that it is awake'
        s[IS_ASLEEP] = 1
        return 'sleeps'
      },
      sleeps: s => (s[IS_ASLEEP] === 1 ? WAIT : 'says that it is awake'),
      'says that it is awake': s => {
        s[SLEEPING] = 0
        return 'looks'
      },
    },
  }

  const processes = [writer(0), writer(1), reader]
  return { words: words.count, processes, deaths: 0, begin() {} }
}
