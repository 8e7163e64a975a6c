import { DONE, type Model, type Process, type State, WAIT, Words, wrong } from './explore.ts'

/**
 * One breaker, as breaker.ts, Candidates.pull and Guard have it: threads send requests, whose outcomes are given, open it,
 * wait until it is due and probe it; the clock goes on whenever it likes; anybody may die between two steps, and a
 * supervisor then gives back what the dead one had claimed.
 */
export const BREAKER_BROKEN = [
  'the probe is claimed by load and store',
  'it is not asked again after the claim whether it is due',
  'the probe of the dead is kept',
  'the bar is set before the time',
  'a ticket without the probe bit',
  'the probe is given back before the breaker is changed',
  'it is opened without a claim',
  'the reason is not looked at again',
  'failures are forgotten when it opens',
] as const

export interface BreakerSize {
  /** How the requests of each thread end, one after the other. */
  outcomes: readonly (readonly ('ok' | 'error')[])[]
  /** Failures in a row that open it, and probes that close it. */
  failures: number
  probes: number
  deaths: number
}

export function breakerModel(
  { outcomes, failures, probes, deaths }: BreakerSize,
  variant?: (typeof BREAKER_BROKEN)[number],
): Model {
  const is = (broken: (typeof BREAKER_BROKEN)[number]): boolean => variant === broken
  const threads = outcomes.length
  const words = new Words()
  const BAR = words.take()
  /** 1 when UNTIL is past. */
  const IS_DUE = words.take()
  const PROBE = words.take()
  const FAILURES = words.take()
  const TRIPS = words.take()
  const PASSED = words.take()
  const DEATH = words.take(threads)
  // What is said of it beside: whose probe is out; whether the time of this opening has come; failures that opened nothing
  // yet; probes that failed since it was closed.
  const IS_OUT = words.take(threads)
  const WAS_OPEN_LONG = words.take()
  const COUNTED = words.take()
  const PROBES_FAILED = words.take()

  function thread(t: number): Process {
    const mine = t + 1
    const left = words.take()
    const isProbe = words.take()
    /** How often it was opened, as it was read before. */
    const before = words.take()
    const outcome = (s: State): 'ok' | 'error' => outcomes[t]![s[left]!]!
    const next = (s: State): string => {
      s[isProbe] = s[before] = 0
      s[left]!++
      return s[left] === outcomes[t]!.length ? DONE : 'picks'
    }
    const claimed = (s: State): string => {
      if (is('it is not asked again after the claim whether it is due')) return sendsProbe(s)
      return 'asks again whether it is due'
    }
    const sendsProbe = (s: State): string => {
      for (let other = 0; other < threads; other++) if (s[IS_OUT + other] === 1) wrong('two probes are out at one time')
      if (s[BAR] === 1 && s[WAS_OPEN_LONG] === 0) wrong('a probe is sent before its time')
      s[IS_OUT + t] = 1
      s[isProbe] = is('a ticket without the probe bit') ? 0 : 1
      return 'settles'
    }
    const opens = (s: State): string => (s[isProbe] === 1 ? 'reads how often it was opened' : 'opens it first')
    const steps: Process['steps'] = {
      picks: s => {
        if (s[BAR] === 0) return 'settles'
        return s[IS_DUE] === 1 && s[PROBE] === 0 ? 'claims the probe' : WAIT
      },
      'claims the probe': s => {
        if (s[PROBE] !== 0) return 'picks'
        if (is('the probe is claimed by load and store')) return 'stores its claim'
        s[PROBE] = mine
        return claimed(s)
      },
      'stores its claim': s => {
        s[PROBE] = mine
        return claimed(s)
      },
      'asks again whether it is due': s => (s[IS_DUE] === 1 ? 'asks again whether it is open' : 'lets the probe go'),
      'asks again whether it is open': s => (s[BAR] === 1 ? sendsProbe(s) : 'lets the probe go'),
      'lets the probe go': s => {
        s[PROBE] = 0
        return 'picks'
      },

      settles: s => {
        if (s[isProbe] === 1) {
          if (is('the probe is given back before the breaker is changed')) {
            s[PROBE] = 0
            s[IS_OUT + t] = 0
          }
          return outcome(s) === 'ok' ? 'passes' : opens(s)
        }
        // What was sent before it opened says nothing new.
        if (s[BAR] === 1) return next(s)
        return outcome(s) === 'ok' ? 'begins anew' : 'counts a failure'
      },
      'begins anew': s => {
        s[FAILURES] = s[COUNTED] = 0
        return next(s)
      },
      'counts a failure': s => {
        s[FAILURES]!++
        s[COUNTED]!++
        return 'looks whether it fails'
      },
      'looks whether it fails': s => {
        if (s[FAILURES]! < failures) return next(s)
        return is('it is opened without a claim') ? 'reads how often it was opened' : 'claims the opening'
      },
      'claims the opening': s => {
        if (s[PROBE] !== 0) return next(s)
        s[PROBE] = mine
        return is('the reason is not looked at again') ? opens(s) : 'looks whether it is open'
      },
      'looks whether it is open': s => (s[BAR] === 1 ? 'gives the claim back' : 'looks again whether it fails'),
      'looks again whether it fails': s => (s[FAILURES]! >= failures ? opens(s) : 'gives the claim back'),

      'reads how often it was opened': s => {
        s[before] = s[TRIPS]!
        return is('the bar is set before the time') ? 'sets the bar' : 'sets the time'
      },
      'opens it first': s => {
        s[before] = is('the reason is not looked at again') ? s[TRIPS]! : 0
        return is('the bar is set before the time') ? 'sets the bar' : 'sets the time'
      },
      'sets the time': s => {
        s[IS_DUE] = 0
        s[WAS_OPEN_LONG] = 0
        return 'forgets what passed'
      },
      'forgets what passed': s => {
        s[PASSED] = 0
        return 'counts the opening'
      },
      'counts the opening': s => {
        if (is('failures are forgotten when it opens')) s[FAILURES] = 0
        s[TRIPS] = s[before]! + 1
        if (s[isProbe] === 1) s[PROBES_FAILED]!++
        if (s[TRIPS]! > 1 + s[PROBES_FAILED]!) wrong('it stays open longer although no probe failed')
        return is('the bar is set before the time') ? 'gives the claim back' : 'sets the bar'
      },
      'sets the bar': s => {
        if (s[BAR] === 0) s[WAS_OPEN_LONG] = is('the bar is set before the time') ? 0 : s[IS_DUE]!
        if (s[isProbe] === 0 && s[BAR] === 1) wrong('a request that was no probe opens it again')
        s[BAR] = 1
        return is('the bar is set before the time') ? 'sets the time' : 'gives the claim back'
      },

      passes: s => {
        s[PASSED]!++
        return s[PASSED]! < probes ? 'gives the claim back' : 'forgets how often it was opened'
      },
      'forgets how often it was opened': s => {
        s[TRIPS] = s[PROBES_FAILED] = 0
        return 'forgets failures'
      },
      'forgets failures': s => {
        s[FAILURES] = s[COUNTED] = 0
        return 'clears the bar'
      },
      'clears the bar': s => {
        s[BAR] = 0
        return 'gives the claim back'
      },
      'gives the claim back': s => {
        s[IS_OUT + t] = 0
        if (s[PROBE] === mine) s[PROBE] = 0
        return next(s)
      },
    }
    return { name: `thread ${t}`, steps, deathWord: DEATH + t }
  }

  const clock: Process = {
    name: 'clock',
    steps: {
      'goes on': s => {
        if (s[IS_DUE] === 1) return WAIT
        s[IS_DUE] = 1
        s[WAS_OPEN_LONG] = 1
        return 'goes on'
      },
    },
    isService: true,
  }

  function supervisor(): Process {
    const dead = words.take()
    const steps: Process['steps'] = {
      'waits for a death': s => {
        const found = Array.from({ length: threads }, (_, t) => t).find(t => s[DEATH + t] === 1)
        if (found === undefined) return WAIT
        s[DEATH + found] = 2
        s[dead] = found + 1
        s[IS_OUT + found] = 0
        return 'gives back its claim'
      },
      'gives back its claim': s => {
        if (s[PROBE] === s[dead] && !is('the probe of the dead is kept')) s[PROBE] = 0
        s[dead] = 0
        return 'waits for a death'
      },
    }
    return { name: 'supervisor', steps, isService: true }
  }

  const processes = [...outcomes.map((_, t) => thread(t)), clock, supervisor()]
  return {
    words: words.count,
    processes,
    deaths,
    begin(s) {
      s[IS_DUE] = 1
    },
    atEnd(s) {
      if (s[PROBE] !== 0) return 'a probe stays out for ever'
      // Who dies while it opens it leaves the reason, and the next failure does.
      if (s[BAR] === 0 && s[COUNTED]! >= failures && s[FAILURES]! < failures) return 'it forgot that requests fail'
      return undefined
    },
  }
}
