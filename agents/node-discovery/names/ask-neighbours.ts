import { createSocket } from 'node:dgram'
import type { Edge } from '../../kit/grammar/action.ts'
import type { Said } from '../answer.ts'
import type { Plan } from '../plans.ts'
import { type DnsRecord, decodeMessage, encodeQuestions, type Question } from './dns-wire.ts'
import { type Located, saidOf } from './located.ts'

/** Where neighbours listen (RFC 6762 3). */
const GROUP = { address: '224.0.0.251', port: 5353 }
/** Who has a record that others may have as well waits 20 to 120 ms before it answers (RFC 6762 6): so long a silence is the end. */
const QUIET_MS = 200
/** However much they have to say. */
const LISTEN_MS = 1_000
const RECORDS_MAX = 4096

/**
 * Asks the neighbours for a name below .local by multicast DNS: of a service (`_http._tcp.local`) its instances, their places and
 * addresses; of any other name its addresses. It asks once, from a port of its own, so that answers come to it alone (RFC 6762 5.1,
 * 6.7), and once more for what they left out.
 *
 *   PTR ──▶ instances ──▶ SRV ──▶ A, AAAA        neighbours mostly send all of it at once
 */
export function askNeighbours(plan: Plan, { later, signal }: Pick<Edge, 'later' | 'signal'>): Promise<Said> {
  const { dns: name = '', server = GROUP } = plan.entry
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    const records: DnsRecord[] = []
    let callOffQuiet = (): void => {}
    let hasAskedAgain = false
    const close = (): void => {
      callOff()
      callOffQuiet()
      signal.removeEventListener('abort', onAbort)
      socket.close()
    }
    const ask = (questions: readonly Question[]): void =>
      socket.send(encodeQuestions(0, questions), server.port, server.address)
    const end = (): void => {
      close()
      resolve(saidBy(name, records, plan))
    }
    const quiet = (): void => {
      const missing = hasAskedAgain ? [] : missingOf(name, records)
      if (missing.length === 0) {
        end()
        return
      }
      hasAskedAgain = true
      ask(missing)
      callOffQuiet = later(QUIET_MS, end)
    }
    const fail = (error: Error): void => {
      close()
      reject(error)
    }
    const onAbort = (): void => fail(new Error('it was called off'))
    const callOff = later(Math.min(LISTEN_MS, plan.timeoutMs), end)
    signal.addEventListener('abort', onAbort, { once: true })
    socket.on('error', fail)
    socket.on('message', bytes => {
      const message = decodeMessage(bytes)
      if (message?.isAnswer !== true || records.length >= RECORDS_MAX) return
      records.push(...message.records)
      callOffQuiet()
      callOffQuiet = later(QUIET_MS, quiet)
    })
    socket.bind(0, () => {
      try {
        if (plan.interface !== undefined) socket.setMulticastInterface(plan.interface)
      } catch (error) {
        // The machine has no such interface, or not yet.
        fail(error as Error)
        return
      }
      ask(isService(name) ? [{ name, type: 'PTR' }] : addressQuestions(name))
    })
  })
}

function isService(name: string): boolean {
  return name.startsWith('_')
}

function addressQuestions(name: string): Question[] {
  return [
    { name, type: 'A' },
    { name, type: 'AAAA' },
  ]
}

/** What has to be asked for because those who answered did not send it along. */
export function missingOf(name: string, records: readonly DnsRecord[]): Question[] {
  const instances = records.flatMap(each => (each.type === 'PTR' && isSame(each.name, name) ? [each.target] : []))
  const has = (wanted: string, ...types: readonly DnsRecord['type'][]): boolean =>
    records.some(each => types.includes(each.type) && isSame(each.name, wanted))
  const places = instances.filter(each => !has(each, 'SRV')).map((each): Question => ({ name: each, type: 'SRV' }))
  const targets = records.flatMap(each => (each.type === 'SRV' ? [each.target] : []))
  const hosts = [...new Set(targets)].filter(each => !has(each, 'A', 'AAAA')).flatMap(addressQuestions)
  return [...places, ...hosts].slice(0, 32)
}

/** What the records come to. One with a TTL of 0 says goodbye. That nobody says anything may be the network's fault, and is no answer. */
export function saidBy(name: string, all: readonly DnsRecord[], plan: Pick<Plan, 'entry' | 'admin'>): Said {
  if (all.length === 0) return { kind: 'failed', reason: `no neighbour has answered for ${name}` }
  const records = all.filter(({ ttlS }) => ttlS > 0)
  const addressesOf = (host: string): string[] =>
    records.flatMap(each =>
      (each.type === 'A' || each.type === 'AAAA') && isSame(each.name, host) ? [each.address] : [],
    )
  const instances = records.flatMap(each => (each.type === 'PTR' && isSame(each.name, name) ? [each.target] : []))
  const located = isService(name)
    ? records.flatMap(each => {
        if (each.type !== 'SRV' || !instances.some(instance => isSame(instance, each.name))) return []
        const { port, priority, weight } = each
        return addressesOf(each.target).map((host): Located => ({ host, port, priority, weight }))
      })
    : addressesOf(name).map((host): Located => ({ host }))
  const ttlMs = records.length === 0 ? undefined : Math.min(...records.map(({ ttlS }) => ttlS)) * 1000
  return saidOf(located, ttlMs, plan, false)
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
