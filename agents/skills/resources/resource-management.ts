import { CLASS_NAMES, type Config, elapsedMs } from '../../../engine/writer.ts'
import { act, type Directive, emit, type Step, schedule, stay, writeService } from '../../kit/grammar/directive.ts'
import { defineSignal, type Signal } from '../../kit/grammar/signal.ts'
import { defineSkill } from '../../kit/grammar/skill.ts'
import { appended } from '../../kit/run/bounded.ts'
import { lookAtTables, type ServiceView, type TablesView, tablesSeen } from '../../kit/tables.ts'
import {
  admissionChanged,
  type Resource,
  type Resources,
  resourceExhausted,
  resourcesJudged,
  resourcesMeasured,
  sheddingChanged,
} from '../../signals/capacity.ts'
import { type SheddingWish, sheddingRequested } from '../../signals/load.ts'
import { type Admission, ALL_ADMITTED, classOfLevel, levelOfClass, stepped } from '../traffic/admission.ts'
import { type InflightPeaks, peakOf, withInflight } from './inflight-peaks.ts'
import { NO_PRESSURE, type Pressure, type PressureRule, pressed } from './pressure.ts'
import { resourceUsage } from './resource-usage.ts'

type Knobs = Config['agents']['resource-manager']
type ByResource<Each> = Readonly<Record<Resource, Each>>

/** What somebody wants turned away of a service. */
interface Wish {
  readonly from: number
  readonly by: string
  readonly sinceMs: number
  readonly forMs: number
}

/** What is turned away of a service, as last written. */
interface Held {
  readonly from: number
  readonly admitted: number
}

export interface ResourceManagement {
  readonly knobs: Knobs
  readonly pressures: ByResource<Pressure>
  readonly last: Resources | undefined
  /** When it was told last what is short; of a new one, when it began to look. */
  readonly judgedMs: number | undefined
  /** When the tables were looked at last. */
  readonly lookedMs: number | undefined
  readonly admission: Admission
  /** Requests in flight of late, and the most there were when it got tight, by service. */
  readonly peaks: InflightPeaks | undefined
  readonly inflightThen: ReadonlyMap<string, number>
  /** Of others, by service and by who wishes. */
  readonly wishes: ReadonlyMap<string, readonly Wish[]>
  /** By service; those of which nothing is turned away are left out. */
  readonly held: ReadonlyMap<string, Held>
  /** It has not seen yet what an earlier incarnation left in the tables. */
  readonly isFresh: boolean
}

/** To itself: a wish is over. */
const wishOver = defineSignal('signalbox.wish.ended')

/** Who may wish for a service at a time: the agents of a node, and some. */
const WISHES_MAX = 16
/** Of so many services; more no region has. */
const SERVICES_MAX = 1024
/** A schedule may come as much early. */
const LOOSE_MS = 100
/** Who has wished for what an earlier incarnation left, as far as is known, and how long that stands: all ask again within that time. */
const PREDECESSOR = 'a wish from before'
const INHERITED_MS = 30_000
/** Let in at the very least. */
const ADMITTED_MIN = 8
/** While nothing is turned away, and nothing is to be, it is only looked at how much is in flight, at this pace. */
const LOOK_MS = 5_000

const LEVELS = { none: 0, sheddable: 1, 'sheddable-plus': 2, critical: 3 } as const
const RESOURCES = ['cpu', 'memory', 'loop-delay', 'sockets'] as const

/**
 * Resource management: this process keeps within its means by turning away what it cannot bear.
 *
 *   resource-usage ──▶ pressed, by resource ──▶ stepped ──┐
 *   others wish: sheddingRequested ───────────────────────┴─▶ by service: the class from which on, the requests in flight
 *
 * Cheap classes go first, step by step, and come back last. Where memory or sockets run out no more requests are let in than were in
 * flight of late, then fewer: that is the throttle, which holds for requests of any class, of services that have more than their part. The words it writes are those of agents; an
 * operator's word stands beside them, and the stricter counts.
 *
 * Its agent has to own the words `shedFrom` and `admitted`. A later incarnation goes on from them, service by service: what was turned away
 * comes back by steps, or when nobody wishes for it any more.
 */
export const resourceManagement = defineSkill({
  name: 'resource-management',
  listens: [sheddingRequested],
  own: [wishOver],
  emits: [resourcesMeasured, resourceExhausted, resourcesJudged, sheddingChanged, admissionChanged],
  actions: [lookAtTables],
  sensors: [resourceUsage],
  start: (_: undefined, { config }): Step<ResourceManagement> => ({
    state: newManagement(config.agents['resource-manager']),
    directives: [act(lookAtTables, undefined)],
  }),
  reload: (slice, { agents }) => stay({ ...slice, knobs: agents['resource-manager'] }),
  decide,
})

function newManagement(knobs: Knobs): ResourceManagement {
  return {
    ...{ knobs, last: undefined, judgedMs: undefined, admission: ALL_ADMITTED, isFresh: true },
    pressures: { cpu: NO_PRESSURE, memory: NO_PRESSURE, 'loop-delay': NO_PRESSURE, sockets: NO_PRESSURE },
    ...{ lookedMs: undefined, peaks: undefined, inflightThen: new Map(), wishes: new Map(), held: new Map() },
  }
}

function decide(slice: ResourceManagement, signal: Signal, now: number): Step<ResourceManagement> {
  if (resourcesMeasured.is(signal)) return onMeasured(slice, signal.data, now)
  if (sheddingRequested.is(signal)) return onWish(slice, signal.data, now)
  if (tablesSeen.is(signal)) return onTables(slice, signal.data, now)
  if (wishOver.is(signal)) {
    return { state: { ...slice, wishes: standing(slice.wishes, now) }, directives: [act(lookAtTables, undefined)] }
  }
  return stay(slice)
}

function onMeasured(before: ResourceManagement, last: Resources, now: number): Step<ResourceManagement> {
  const directives: Directive[] = []
  const pressures = { ...before.pressures }
  for (const resource of RESOURCES) {
    const rule = ruleOf(before.knobs, resource)
    const used = usedOf(last, resource)
    pressures[resource] = pressed(before.pressures[resource], used, rule, now)
    const { isOver } = pressures[resource]
    if (isOver === before.pressures[resource].isOver) continue
    directives.push(emit(resourceExhausted.of({ resource, used, limit: rule.limit, isOver }, resource)))
  }
  const { memory, sockets } = pressures
  const each = Object.values(pressures)
  const isOver = each.some(pressure => pressure.isOver)
  const strain = { isOver, isBeyond: each.some(isShort), isFilling: isShort(memory) || isShort(sockets) }
  const { step: stepMs, shedUpTo } = before.knobs
  const admission = stepped(before.admission, strain, { stepMs, levelMax: LEVELS[shedUpTo] }, now)
  // What is short takes calmFor to be enough again: whoever has not looked for so long does not know yet.
  const isJudged = before.judgedMs !== undefined && elapsedMs(now, before.judgedMs) >= before.knobs.calmFor
  const judgedMs = isJudged ? now : (before.judgedMs ?? now)
  if (isJudged) directives.push(emit(resourcesJudged.of({ short: RESOURCES.filter(each => pressures[each].isOver) })))
  const slice = { ...before, last, judgedMs, pressures, admission, wishes: standing(before.wishes, now) }
  const isQuiet = !isTight(slice) && slice.held.size === 0
  if (isQuiet && before.lookedMs !== undefined && elapsedMs(now, before.lookedMs) < LOOK_MS) {
    return { state: slice, directives }
  }
  return { state: slice, directives: [...directives, act(lookAtTables, undefined)] }
}

function onWish(
  slice: ResourceManagement,
  { service, from: name, by, forMs }: SheddingWish,
  now: number,
): Step<ResourceManagement> {
  const from = (CLASS_NAMES as readonly string[]).indexOf(name)
  // What is critical-plus is never shed, and an unknown class is none.
  if (from < 1) return stay(slice)
  const others = (slice.wishes.get(service) ?? []).filter(each => each.by !== by)
  const wish = { from, by, sinceMs: now, forMs }
  const wishes = new Map(slice.wishes).set(service, forMs > 0 ? appended(others, wish, WISHES_MAX) : others)
  if (wishes.size > SERVICES_MAX) return stay(slice)
  const atItsEnd = forMs > 0 ? [schedule(forMs + LOOSE_MS, wishOver.of(null))] : []
  return { state: { ...slice, wishes }, directives: [act(lookAtTables, undefined), ...atItsEnd] }
}

function onTables(before: ResourceManagement, { services }: TablesView, now: number): Step<ResourceManagement> {
  const slice = before.isFresh ? goOn(before, services, now) : before
  const { share } = slice.admission
  const peaks = withInflight(slice.peaks, services, now)
  // What was in flight when it got tight is noted once, and forgotten when that is over.
  const inflightThen = new Map<string, number>()
  if (share !== undefined) {
    for (const service of services) {
      inflightThen.set(service.name, slice.inflightThen.get(service.name) ?? peakOf(peaks, service.name))
    }
  }
  const fairShare = share === undefined ? 0 : fairShareOf(inflightThen, share)
  const held = new Map<string, Held>()
  const directives: Directive[] = before.isFresh ? [schedule(INHERITED_MS + LOOSE_MS, wishOver.of(null))] : []
  const because = reasonOf(slice)
  for (const service of services) {
    const { index, name, shedByAgent = 0, admitted: admittedNow = 0 } = service
    const from = strictest(classOfLevel(slice.admission.level), slice.wishes.get(name) ?? [], now)
    const admitted = share === undefined ? 0 : Math.max(fairShare, Math.floor(inflightThen.get(name)! * share))
    if (from > 0 || admitted > 0) held.set(name, { from, admitted })
    if (from !== shedByAgent) {
      const told = sheddingChanged.of({ service: name, from: from === 0 ? null : CLASS_NAMES[from]!, because }, name)
      directives.push(writeService('shedFrom', index, from), emit(told))
    }
    if (admitted !== admittedNow) {
      const told = admissionChanged.of({ service: name, admitted: admitted === 0 ? null : admitted, because }, name)
      directives.push(writeService('admitted', index, admitted), emit(told))
    }
  }
  return { state: { ...slice, lookedMs: now, peaks, inflightThen, held }, directives }
}

/** Each service may have as much of what is let in as any other: who has less is held back only beyond that. */
function fairShareOf(inflightThen: ReadonlyMap<string, number>, share: number): number {
  const all = [...inflightThen.values()].reduce((sum, inflight) => sum + inflight, 0)
  return Math.max(ADMITTED_MIN, Math.floor((all * share) / Math.max(1, inflightThen.size)))
}

/**
 * What an earlier incarnation has turned away is still: it is gone on from there. What all services have in common is the level of this
 * process; what one of them has beyond that somebody has wished for, who asks again if he still does.
 */
function goOn(slice: ResourceManagement, services: readonly ServiceView[], now: number): ResourceManagement {
  const levels = services.map(({ shedByAgent = 0 }) => levelOfClass(shedByAgent))
  const level = Math.max(levels.length === 0 ? 0 : Math.min(...levels), slice.admission.level)
  const wishes = new Map(slice.wishes)
  for (const { name, shedByAgent: from = 0 } of services) {
    if (levelOfClass(from) <= level) continue
    const wish = { from, by: PREDECESSOR, sinceMs: now, forMs: INHERITED_MS }
    wishes.set(name, appended(wishes.get(name) ?? [], wish, WISHES_MAX))
  }
  const isHeldBack = services.some(({ admitted = 0 }) => admitted > 0)
  const share = slice.admission.share ?? (isHeldBack ? 1 : undefined)
  const inflightThen = new Map(
    services.flatMap(({ name, admitted = 0 }): [string, number][] => (admitted > 0 ? [[name, admitted]] : [])),
  )
  return { ...slice, isFresh: false, admission: { ...slice.admission, level, share }, inflightThen, wishes }
}

/** The dearest class that is wished for, or that this process needs turned away; 0: none. */
function strictest(byLevel: number, wishes: readonly Wish[], now: number): number {
  return wishes
    .filter(wish => isStanding(wish, now))
    .reduce((from, wish) => (from === 0 ? wish.from : Math.min(from, wish.from)), byLevel)
}

function isStanding({ sinceMs, forMs }: Wish, now: number): boolean {
  return elapsedMs(now, sinceMs) < forMs
}

function standing(wishes: ResourceManagement['wishes'], now: number): ResourceManagement['wishes'] {
  if (wishes.size === 0) return wishes
  return new Map(
    [...wishes].flatMap(([service, all]): [string, readonly Wish[]][] => {
      const left = all.filter(wish => isStanding(wish, now))
      return left.length === 0 ? [] : [[service, left]]
    }),
  )
}

function isTight({ admission: { level, share }, wishes }: ResourceManagement): boolean {
  return level > 0 || share !== undefined || wishes.size > 0
}

function isShort({ isOver, isBeyond }: Pressure): boolean {
  return isOver && isBeyond
}

/** Memory and sockets are what is used, so they count at once; the others are how it goes, and may be an accident. */
function ruleOf({ thresholds, overFor, calmFor: calmForMs }: Knobs, resource: Resource): PressureRule {
  const isFilling = resource === 'memory' || resource === 'sockets'
  const limit = resource === 'loop-delay' ? thresholds.loopDelay * 1000 : thresholds[resource]
  return { limit, overForMs: isFilling ? 0 : overFor, calmForMs }
}

function usedOf(resources: Resources, resource: Resource): number {
  return resource === 'loop-delay' ? resources.loopDelayUsP99 : resources[resource]
}

function reasonOf({ pressures, wishes }: ResourceManagement): string {
  const short = RESOURCES.filter(resource => pressures[resource].isOver)
  const wishers = new Set([...wishes.values()].flatMap(all => all.map(({ by }) => by)))
  const reasons = [
    ...(short.length > 0 ? [`short of ${short.join(', ')}`] : []),
    ...[...wishers].map(by => (by === PREDECESSOR ? by : `${by} asks`)),
  ]
  return reasons.length === 0 ? 'it is bearable again' : reasons.join('; ')
}
