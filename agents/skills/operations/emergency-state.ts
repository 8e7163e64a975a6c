import type { Config } from '../../../engine/writer.ts'
import type { SignalOf } from '../../kit/grammar/signal.ts'
import type { EmergencyType, OperationRecord, operationRequested } from '../../signals.ts'
import type { P99Us } from './emergency-figures.ts'
import { keyOf, type Reports } from './emergency-reports.ts'

/** What is wrong, as whoever found it says. */
export interface Suspicion {
  readonly type: EmergencyType
  /** A service, an endpoint as `service/id`, a node, a partition, a resource. */
  readonly subject: string
  /** Endpoints that are concerned, as `service/id`. */
  readonly targets: readonly string[]
  readonly by: string
  /** For people. */
  readonly because: string
}

/** One that waits for a look at the tables. */
export interface Suspected {
  readonly suspicion: Suspicion
  readonly heardMs: number
  /** Where it was asked for as an operation. */
  readonly question: SignalOf<typeof operationRequested> | undefined
}

/** What agents of one role said to taking part; null: they are being asked. */
export type Consent = 'accepted' | 'rejected' | 'expired' | 'unknown' | 'no_agents_available' | 'no_store' | null

/** An emergency from its beginning to its end. */
export interface Emergency extends Suspicion {
  readonly id: string
  readonly sinceMs: number
  /** Wall clock, RFC 3339. */
  readonly startedAt: string
  /** Immediate actions that were done, in order, with what came of each. */
  readonly actions: readonly string[]
  readonly consents: Readonly<Record<string, Consent>>
  /** How far it was escalated: 0 not at all, 1 agents do not take part, 2 it has lasted too long. */
  readonly level: number
  /** Endpoints that are kept out for it. */
  readonly isolated: readonly string[]
  /** Times in a row that each target could be connected to. */
  readonly connects: Readonly<Record<string, number>>
  /** Where among the targets the next are that are connected to. */
  readonly triedTo: number
  /** What it was told: the shortage, the partition or the node's death is over, and since when. What nobody says is amiss is well. */
  readonly isOver: boolean
  readonly overMs: number | null
  /** When shedding was asked for last. */
  readonly renewedMs: number
  /** How quick services were before, as far as they had enough requests. */
  readonly p99UsBefore: P99Us
  /** Since when figures are as they shall be, as far as any were told; null: they are not. */
  readonly withinMs: number | null
  /** What all agreed on at the end: null, not asked yet. */
  readonly rollCall: 'asked' | 'accepted' | 'failed' | null
  /** It was asked for as an operation. */
  readonly isOperation: boolean
  /** Who does not want it met any more: it ends with the next look; empty: nobody. */
  readonly calledOffBy: string
}

export interface Emergencies {
  readonly role: string
  readonly config: Config
  readonly seed: number
  /** Of the term of office; undefined: it does not lead, and does what is for every node to do. */
  readonly fence: number | undefined
  /** By id. */
  readonly open: ReadonlyMap<string, Emergency>
  /** Suspicions that wait for a look at the tables. */
  readonly suspected: readonly Suspected[]
  /** What others report on, and how services did at last. */
  readonly reports: Reports
  readonly p99Us: P99Us
  /** What was refused for want of room since an emergency has ended, as type and subject: it is told once. */
  readonly refused: readonly string[]
  /** The last that are over, the latest first. */
  readonly past: readonly OperationRecord[]
}

export function newEmergency(
  suspicion: Suspicion,
  { reports, p99Us }: Pick<Emergencies, 'reports' | 'p99Us'>,
  id: string,
  now: number,
  startedAt: string,
): Emergency {
  const isOver = reports.get(keyOf(suspicion.type, suspicion.subject)) ?? true
  return {
    ...suspicion,
    ...{ id, sinceMs: now, startedAt, actions: [], consents: {}, level: 0, isolated: [], connects: {}, triedTo: 0 },
    ...{
      isOver,
      overMs: isOver ? now : null,
      p99UsBefore: p99Us,
      withinMs: now,
      renewedMs: now,
      rollCall: null,
      isOperation: false,
      calledOffBy: '',
    },
  }
}

/** The one that this suspicion is about already. */
export function knownAs({ open }: Emergencies, { type, subject }: Suspicion): Emergency | undefined {
  return [...open.values()].find(each => each.type === type && each.subject === subject)
}

/** As an operation of the list. */
export function emergencyRecord(
  { id, type, subject, by, startedAt, because, actions, consents, level, calledOffBy }: Emergency,
  tookMs: number,
  status: OperationRecord['status'],
): OperationRecord {
  return {
    ...{ id, operation: 'handle_emergency', options: { type, subject }, by, status, startedAt, tookMs },
    because: calledOffBy === '' ? because : `called off by ${calledOffBy}`,
    stage: status === 'running' ? (level > 0 ? `escalated ${level}` : 'met') : 'resolved',
    before: { because },
    after: {
      actions: actions.join('; '),
      ...Object.fromEntries(Object.entries(consents).map(([role, said]) => [role, said ?? 'asked'])),
    },
  }
}

export function withEmergency(slice: Emergencies, emergency: Emergency): Emergencies {
  return { ...slice, open: new Map(slice.open).set(emergency.id, emergency) }
}
