import { backoffMs, countRestart, HEALTHY_MS, restMs } from './restart.ts'
import type { Supervision, SupervisorNode, ThreadNode, Tidings, TreeEvent, TreeNode, TreeOrder } from './supervision.ts'
import type { Place, Spec, SupervisorSpec, ThreadSpec } from './supervision-tree.ts'

/** A thread that has not started by then is ended; a first import from a cold disk takes a second or two. */
export const START_MS_MAX = 10_000

/** One step of a tree, on a copy of it: the event first, then everything that follows from how things stand. */
export class Turn {
  readonly #root: SupervisorSpec
  readonly #places: ReadonlyMap<string, Place>
  readonly #nodes: Map<string, TreeNode>
  readonly #now: number
  readonly #die: number
  readonly #orders: TreeOrder[] = []
  #stage: Supervision['stage']
  #changes = 0

  constructor({ root, places, nodes, stage }: Supervision, nowMs: number, die: number) {
    this.#root = root
    this.#places = places
    this.#nodes = new Map([...nodes].map(([id, node]) => [id, { ...node }]))
    this.#stage = stage
    this.#now = nowMs
    this.#die = die
  }

  done(): { state: Supervision; orders: TreeOrder[] } {
    const state = { root: this.#root, places: this.#places, nodes: this.#nodes, stage: this.#stage }
    return { state, orders: this.#orders }
  }

  take(event: TreeEvent): void {
    switch (event.event) {
      case 'boot':
        this.#stage = 'booting'
        this.#begin(this.#root)
        break
      case 'close':
        if (this.#stage === 'booting') this.#failBoot(this.#root.id, 'the box was closed meanwhile')
        else this.#close()
        break
      case 'started':
        this.#onStarted(event.id)
        break
      case 'ended':
        this.#onEnded(event)
        break
      case 'convicted':
        this.#end(event.id, event.reason)
        break
      case 'outgrown':
        this.#onOutgrown(event.id, event.reason)
        break
      case 'renewed':
        this.#onRenewed(event.id, event.reason)
        break
      case 'due':
    }
  }

  /** Does what is due until nothing follows any more. */
  settle(): void {
    for (const [id, node] of this.#nodes) {
      if (node.kind === 'thread' && this.#now >= node.deadlineMs) this.#onDeadline(id, node)
    }
    let before: number
    do {
      before = this.#changes
      this.#visit(this.#root)
    } while (this.#changes !== before)
    const { phase } = this.#supervisor(this.#root)
    if (this.#stage === 'booting' && phase === 'running') {
      this.#stage = 'up'
      this.#orders.push({ order: 'booted' })
    } else if (this.#stage === 'closing' && phase === 'down') {
      this.#stage = 'closed'
      this.#orders.push({ order: 'closed' })
    }
  }

  /** With `isLeaving` a supervisor above stops: nothing is started below it any more. */
  #visit(spec: SupervisorSpec, isLeaving = false): void {
    const node = this.#supervisor(spec)
    if (node.phase === 'resting' && this.#now >= node.restedMs && !isLeaving) {
      this.#tell({ what: 'tried-again', id: spec.id })
      this.#begin(spec)
    }
    if ((node.phase === 'starting' || node.phase === 'running') && !isLeaving) this.#keep(spec, node)
    for (const child of spec.children) {
      if (child.kind === 'supervisor') this.#visit(child, isLeaving || node.phase === 'stopping')
    }
    if (node.phase === 'stopping') {
      const last = spec.children.findLast(child => this.#node(child).phase !== 'down')
      if (last === undefined) this.#onAllDown(spec, node)
      else this.#stop(last)
    }
  }

  /** Stops what is to go, the last first, and then starts what is to come, the first first. */
  #keep(spec: SupervisorSpec, node: SupervisorNode): void {
    const { children } = spec
    for (const child of children) {
      if (this.#isHeld(child) && this.#isUp(child) && this.#wants(child, 'up')) this.#set(child, { want: 'down' })
    }
    const leaving = children.findLast(child => this.#wants(child, 'down') && this.#node(child).phase !== 'down')
    if (leaving !== undefined) this.#stop(leaving)
    for (const child of children) {
      const isGone = this.#wants(child, 'down') && this.#node(child).phase === 'down'
      if (isGone && (leaving === undefined || spec.strategy === 'one-for-one')) this.#set(child, { want: 'up' })
    }

    const isOrdered = spec.strategy !== 'one-for-one' || node.phase === 'starting'
    for (const child of children) {
      const { phase, isDone, notBeforeMs } = this.#node(child)
      if (isDone || this.#isHeld(child)) continue
      const isComing = phase === 'down' && this.#wants(child, 'up')
      if (isComing && this.#now >= notBeforeMs) this.#start(child)
      if (isOrdered && !this.#isSettled(child)) break
    }
    if (node.phase === 'starting' && children.every(child => this.#isSettled(child))) {
      this.#set(spec, { phase: 'running', hasRun: true })
    }
  }

  #start(spec: Spec): void {
    if (spec.kind === 'supervisor') {
      this.#begin(spec)
      return
    }
    const deadlineMs = this.#now + START_MS_MAX
    this.#set(spec, { phase: 'starting', startedMs: this.#now, deadlineMs, isOrdered: false, reason: undefined })
    this.#orders.push({ order: 'start', id: spec.id })
  }

  /** A supervisor starts, from the beginning: of what was, only the rests count. */
  #begin(spec: SupervisorSpec): void {
    this.#set(spec, { phase: 'starting', startedMs: this.#now, recent: [], reason: undefined })
    for (const child of spec.children) {
      this.#set(child, { want: 'up', notBeforeMs: this.#now, inRow: 0, hasRun: false, isDone: false })
      if (child.kind === 'supervisor') this.#set(child, { restsInRow: 0 })
    }
  }

  #stop(spec: Spec): void {
    const node = this.#node(spec)
    if (node.kind === 'supervisor') {
      // Of one that is giving up, the supervisor above wants nothing more than that it stops.
      if (node.phase !== 'stopping' || node.reason !== undefined)
        this.#set(spec, { phase: 'stopping', reason: undefined })
      return
    }
    if (!node.isOrdered) this.#set(spec, { isOrdered: true })
    if (node.phase !== 'starting' && node.phase !== 'running') return
    const { stopMsMax } = spec as ThreadSpec
    this.#set(spec, { phase: 'stopping', deadlineMs: this.#now + stopMsMax })
    this.#orders.push({ order: 'stop', id: spec.id })
  }

  #end(id: string, reason: string): void {
    const node = this.#nodes.get(id)!
    if (node.kind !== 'thread' || node.phase === 'down' || node.phase === 'ending') return
    this.#set(this.#places.get(id)!.spec, { phase: 'ending', reason })
    this.#orders.push({ order: 'end', id, reason })
  }

  #onDeadline(id: string, { phase }: ThreadNode): void {
    if (phase === 'starting') this.#end(id, `it has not started within ${START_MS_MAX} ms`)
    if (phase !== 'stopping') return
    const { stopMsMax } = this.#places.get(id)!.spec as ThreadSpec
    this.#tell({ what: 'late-stop', id, stopMsMax })
    this.#end(id, `it did not stop in ${stopMsMax} ms`)
  }

  #onStarted(id: string): void {
    const { spec } = this.#places.get(id)!
    if (this.#node(spec).phase === 'starting') this.#set(spec, { phase: 'running', hasRun: true })
  }

  #onEnded({ id, isFault, reason: told }: TreeEvent & { event: 'ended' }): void {
    const { spec, above } = this.#places.get(id) as Place<ThreadSpec>
    const node = this.#nodes.get(id) as ThreadNode
    if (node.phase === 'down') return
    const { isOrdered } = node
    const reason = node.reason ?? told
    this.#set(spec, { phase: 'down', isOrdered: false })
    this.#tellOrphans(id)
    // One of several that are to go may fall before it is asked to.
    if (isOrdered || node.want === 'down') return
    const supervisor = this.#supervisor(above!)
    if (supervisor.phase === 'starting' && !node.hasRun) {
      this.#onStartFailed(spec, above!, reason)
      return
    }
    if (spec.restart === 'temporary' || (spec.restart === 'transient' && !isFault && node.reason === undefined)) {
      this.#set(spec, { isDone: true })
      this.#tell({ what: 'stays-down', id, reason, isFault: isFault || node.reason !== undefined })
      return
    }
    this.#fail(spec, above!, reason)
  }

  #onOutgrown(id: string, reason: string): void {
    const { spec, above } = this.#places.get(id) as Place<ThreadSpec>
    if (this.#node(spec).phase !== 'running' || this.#wants(spec, 'down')) return
    if (spec.restart === 'temporary') {
      this.#set(spec, { want: 'down', isDone: true })
      this.#tell({ what: 'stays-down', id, reason, isFault: true })
      return
    }
    this.#fail(spec, above!, reason)
  }

  #onRenewed(id: string, reason: string): void {
    const { spec } = this.#places.get(id)!
    if (this.#node(spec).phase !== 'running' || this.#wants(spec, 'down')) return
    this.#set(spec, { want: 'down', notBeforeMs: this.#now })
    this.#tell({ what: 'renewal', id, reason })
  }

  /** A child has failed: who is to go with it goes, and all of them come back after a while; or that was one too many. */
  #fail(spec: Spec, above: SupervisorSpec, reason: string): void {
    const supervisor = this.#supervisor(above)
    if (supervisor.phase !== 'starting' && supervisor.phase !== 'running') return
    const recent = countRestart(supervisor.recent, this.#now, above.restarts, above.withinMs)
    if (recent === undefined) {
      this.#giveUp(above, reason)
      return
    }
    this.#set(above, { recent })
    const node = this.#node(spec)
    const inRow = this.#now - node.startedMs >= HEALTHY_MS ? 0 : node.inRow
    const delayMs = backoffMs(inRow, this.#die, above.backOffMsMax)
    this.#set(spec, { inRow: inRow + 1 })
    for (const each of this.#goingWith(spec, above)) {
      // As in OTP: who is temporary is stopped with the others and not started with them.
      const isDone = each !== spec && each.kind === 'thread' && each.restart === 'temporary'
      this.#set(each, { want: 'down', notBeforeMs: this.#now + delayMs, isDone })
    }
    this.#tell({ what: 'restart', id: spec.id, reason, delayMs })
  }

  #goingWith(spec: Spec, { strategy, children }: SupervisorSpec): readonly Spec[] {
    if (strategy === 'one-for-one') return [spec]
    return strategy === 'one-for-all' ? children : children.slice(children.indexOf(spec))
  }

  #onStartFailed(spec: Spec, above: SupervisorSpec, reason: string): void {
    if (this.#stage === 'booting') this.#failBoot(spec.id, reason)
    else this.#giveUp(above, reason)
  }

  #failBoot(id: string, reason: string): void {
    this.#orders.push({ order: 'boot-failed', id, reason })
    this.#close()
  }

  #close(): void {
    if (this.#stage === 'closed' || this.#stage === 'closing') return
    this.#stage = 'closing'
    this.#stop(this.#root)
  }

  #giveUp(spec: SupervisorSpec, reason: string): void {
    const { startedMs, restsInRow: before } = this.#supervisor(spec)
    if (spec.onGiveUp === 'escalate') {
      this.#set(spec, { phase: 'stopping', reason })
      this.#tell({ what: 'gave-up', id: spec.id, reason, restMs: undefined })
      return
    }
    const restsInRow = this.#now - startedMs >= HEALTHY_MS ? 0 : before
    const rest = restMs(restsInRow, this.#die)
    this.#set(spec, { phase: 'stopping', reason, restMs: rest, restsInRow: restsInRow + 1 })
    this.#tell({ what: 'gave-up', id: spec.id, reason, restMs: rest })
  }

  #onAllDown(spec: SupervisorSpec, { reason, restMs: rest, hasRun }: SupervisorNode): void {
    if (reason === undefined) {
      this.#set(spec, { phase: 'down' })
      return
    }
    if (spec.onGiveUp === 'rest') {
      this.#set(spec, { phase: 'resting', restedMs: this.#now + rest })
      return
    }
    this.#set(spec, { phase: 'down' })
    const above = this.#places.get(spec.id)!.above!
    if (this.#supervisor(above).phase === 'starting' && !hasRun) this.#onStartFailed(spec, above, reason)
    else this.#fail(spec, above, reason)
  }

  /** Those that go on without the one they belong to. */
  #tellOrphans(parent: string): void {
    if (this.#stage === 'closing') return
    for (const { spec } of this.#places.values()) {
      if (spec.kind !== 'thread' || spec.parent?.id !== parent || spec.parent.onDeath === 'stop') continue
      if (this.#node(spec).phase !== 'running') continue
      this.#orders.push({ order: 'orphan', id: spec.id, parent, isTold: spec.parent.onDeath === 'tell' })
    }
  }

  /** Nothing is to be waited for before the next one starts. */
  #isSettled(spec: Spec): boolean {
    const { phase, isDone } = this.#node(spec)
    return isDone || phase === 'running' || phase === 'resting' || this.#isHeld(spec)
  }

  #isUp(spec: Spec): boolean {
    const { phase } = this.#node(spec)
    return phase === 'starting' || phase === 'running'
  }

  /** The one it belongs to does not run, and it does not go on without. */
  #isHeld(spec: Spec): boolean {
    if (spec.kind !== 'thread' || spec.parent?.onDeath !== 'stop') return false
    return this.#nodes.get(spec.parent.id)!.phase !== 'running'
  }

  #wants(spec: Spec, want: TreeNode['want']): boolean {
    return this.#node(spec).want === want
  }

  #node(spec: Spec): TreeNode {
    return this.#nodes.get(spec.id)!
  }

  #supervisor(spec: SupervisorSpec): SupervisorNode {
    return this.#nodes.get(spec.id) as SupervisorNode
  }

  #set(spec: Spec, patch: Partial<ThreadNode> | Partial<SupervisorNode>): void {
    Object.assign(this.#nodes.get(spec.id)!, patch)
    this.#changes++
  }

  #tell(tidings: Tidings): void {
    this.#orders.push({ order: 'tell', tidings })
  }
}
