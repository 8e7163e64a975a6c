import type { EndpointTable } from '../memory/endpoint-table.ts'
import { GAUGE_INFLIGHT, GAUGE_PENDING, GAUGE_RETRIES, Gauges } from '../memory/gauges.ts'
import type { ServiceTable } from '../memory/service-table.ts'
import type { Decision } from '../memory/slots.ts'
import { Attachment, attach } from '../router/attachment.ts'
import { Rehearsal } from '../router/rehearsal.ts'
import { reportServices as reportAll, reportService as reportOne, type ServiceReport } from '../router/report.ts'
import { AgentEndpoints } from './agent-endpoints.ts'
import { AgentServices } from './agent-services.ts'
import { AgentWriter } from './agent-writer.ts'
import type { PlaneEdit } from './checked-edit.ts'

/** What an agent reads by as every thread does. */
type Sight = Pick<
  Attachment,
  | 'region'
  | 'seat'
  | 'tally'
  | 'outcomes'
  | 'isClosed'
  | 'slot'
  | 'catchUp'
  | 'serviceTexts'
  | 'rowOfId'
  | 'findService'
  | 'endpoint'
  | 'close'
>

/**
 * A control plane's place at a region: it reads everything, and writes by the rules of publication. The operator has the
 * attachment itself, which refuses nothing but what cannot be laid down.
 *
 *   operator   config, reload, box.service, admin ──▶ Attachment ─────────────────────▶ tables
 *   agents     engine/writer.ts: attach ──▶ Plane ──▶ checked, judged ──▶ Attachment ──▶ tables
 *                                                        └── refused: counted, told
 */
export interface Plane extends Sight {
  readonly endpoints: EndpointTable
  readonly services: ServiceTable
  readonly writer: PlaneWriter
}

export interface PlaneWriter {
  /** See AgentWriter.edit. */
  edit<T>(change: (edit: PlaneEdit) => T, decision?: Decision): T
}

const planes = new WeakMap<Attachment, Plane>()
const attachments = new WeakMap<Plane, Attachment>()

/** This thread's place at the region behind a handle; made at the first call, kept until it is closed. */
export function attachPlane(handle: unknown): Plane {
  return planeOf(attach(handle))
}

/** The same from an attachment of this thread. */
export function planeOf(attachment: Attachment): Plane {
  let plane = planes.get(attachment)
  if (plane === undefined) {
    plane = new AttachedPlane(attachment)
    planes.set(attachment, plane)
    attachments.set(plane, attachment)
  }
  return plane
}

/** Reports one service. Throws SBX_SERVICE_UNKNOWN. */
export function reportService(plane: Plane, service: string): ServiceReport {
  return reportOne(attachmentOf(plane), service)
}

/** Reports every service, as this thread sees the tables at this instant. */
export function reportServices(plane: Plane): ServiceReport[] {
  return reportAll(attachmentOf(plane))
}

/** What a service has at this moment, all threads together: requests in flight, second tries among them, requests that wait for room. */
export function gaugesOf(
  { region, seat }: Pick<Plane, 'region' | 'seat'>,
  service: number,
): { readonly inflight: number; readonly retries: number; readonly pending: number } {
  const gauges = new Gauges(region, seat, service)
  return {
    inflight: gauges.sum(GAUGE_INFLIGHT),
    retries: gauges.sum(GAUGE_RETRIES),
    pending: gauges.sum(GAUGE_PENDING),
  }
}

const rehearsals = new WeakMap<Attachment, Rehearsal>()

/**
 * What the next pick of a service would answer: a ticket that nobody holds, or a PICK reason below zero. Nothing is picked, see Rehearsal.
 * `hash` and `requestClass` as for `Router.pick`. Throws SBX_SERVICE_UNKNOWN.
 */
export function rehearsePick(plane: Plane, service: string, hash: number, requestClass: number): number {
  const attachment = attachmentOf(plane)
  let rehearsal = rehearsals.get(attachment)
  if (rehearsal === undefined) rehearsals.set(attachment, (rehearsal = new Rehearsal(attachment)))
  return rehearsal.pick(service, hash, requestClass)
}

function attachmentOf(plane: Plane): Attachment {
  return plane instanceof Attachment ? plane : attachments.get(plane)!
}

class AttachedPlane implements Plane {
  readonly endpoints: AgentEndpoints
  readonly services: AgentServices
  readonly writer: AgentWriter
  readonly region: Plane['region']
  readonly seat: number
  readonly tally: Plane['tally']
  readonly outcomes: Plane['outcomes']
  readonly #attachment: Attachment

  constructor(attachment: Attachment) {
    this.#attachment = attachment
    this.region = attachment.region
    this.seat = attachment.seat
    this.tally = attachment.tally
    this.outcomes = attachment.outcomes
    this.writer = new AgentWriter(attachment)
    this.endpoints = new AgentEndpoints(attachment.region, this.writer)
    this.services = new AgentServices(attachment.region)
  }

  get isClosed(): boolean {
    return this.#attachment.isClosed
  }

  get slot(): number {
    return this.#attachment.slot
  }

  catchUp(): number {
    return this.#attachment.catchUp()
  }

  serviceTexts(): ReturnType<Plane['serviceTexts']> {
    return this.#attachment.serviceTexts()
  }

  rowOfId(service: number, id: string): number {
    return this.#attachment.rowOfId(service, id)
  }

  findService(name: string): ReturnType<Plane['findService']> {
    return this.#attachment.findService(name)
  }

  endpoint(row: number): ReturnType<Plane['endpoint']> {
    return this.#attachment.endpoint(row)
  }

  close(): void {
    this.#attachment.close()
  }
}
