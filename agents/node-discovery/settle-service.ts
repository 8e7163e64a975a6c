import {
  DISCOVERED,
  type Edit,
  isMark,
  LEAVING,
  type NewEndpoint,
  PublicationRefused,
  SignalboxError,
} from '../../engine/writer.ts'
import { defineAction, type Edge } from '../kit/grammar/action.ts'
import { type Refused, type Settled, serviceSettled } from './signals.ts'
import type { Wanted } from './wanted.ts'

type Attachment = Edge['attachment']

export interface SettleParams extends Wanted {
  readonly service: string
  /** Ids whose source says something else of them than before: their weight too. */
  readonly changed: readonly string[]
}

/** Refusals that fewer endpoints may not meet. */
const BY_NUMBER: ReadonlySet<string> = new Set(['shrunk', 'emptied', 'last-routable', 'SBX_REGION_FULL'])
/** Refusals that say that one of them is at fault. */
const BY_ONE: ReadonlySet<string> = new Set(['invalid', 'SBX_ENDPOINT_INVALID'])

/**
 * Makes the tables have what was found. It looks at what there is and does what is missing, so that it may be run again whatever came
 * of it before, by a later life of the agent too.
 *
 *   row of the service      known   its source speaks   what becomes of it
 *   without a mark            –            –            nothing: it is the config's, or somebody's who added it
 *   marked                   yes           –            stays; replaced, where its source says something else now
 *   marked                   no           yes           leaves
 *   marked                   no           no            stays until that has answered
 *   none, and reached         –            –            is added
 *   about to leave, on trial yes           –            stays, where it is what it was; else it comes when that has left
 *
 * Who comes and who goes are edits of their own: one that is refused does not keep the other from being made. Of those that may not all
 * go, half go, and so on: what the rules of publication leave to take is taken.
 */
export const settleService = defineAction({
  name: 'settle-service',
  done: serviceSettled,
  run: (params: SettleParams, { attachment }): Settled => {
    const { service } = params
    const index = attachment.serviceTexts().findIndex(({ text }) => text.name === service && !text.isGone)
    if (index < 0) return { service, added: [], removed: [], refused: [] }
    const { add, back, replace, remove } = differences(attachment, index, params)
    const refused: Refused[] = []
    const come = addAll(attachment, service, add, refused)
    // One that comes back as another has to wait until it has left, and keeps no other waiting.
    const stay = back.flatMap(each => addAll(attachment, service, [each], refused))
    const added = [...come, ...stay]
    for (const each of replace) replaceOne(attachment, service, each, refused)
    const removed = removeAll(attachment, service, remove, refused)
    return { service, added, removed, refused }
  },
})

interface Differences {
  readonly add: readonly NewEndpoint[]
  /** Those that one thread tries to do without. */
  readonly back: readonly NewEndpoint[]
  readonly replace: readonly NewEndpoint[]
  readonly remove: readonly string[]
}

function differences(attachment: Attachment, index: number, params: SettleParams): Differences {
  const known = new Set(params.known)
  const [silent, changed] = [new Set(params.silent), new Set(params.changed)]
  const leaving = new Set<string>()
  const there = new Map<string, { mark: string | undefined; endpoint: NewEndpoint }>()
  for (const row of attachment.serviceTexts()[index]!.rows) {
    const { id, url, zone, metadata } = attachment.endpoint(row)
    const { endpoints } = attachment
    if ((endpoints.bars(row) & LEAVING) !== 0) {
      leaving.add(id)
      continue
    }
    const endpoint = { id, url, zone, metadata, weight: endpoints.weight(row), priority: endpoints.priority(row) }
    there.set(id, { mark: Object.hasOwn(metadata, DISCOVERED) ? metadata[DISCOVERED] : undefined, endpoint })
  }
  const ofOurs = (mark: string | undefined): boolean => mark !== undefined && isMark(mark)
  return {
    add: params.endpoints.filter(({ id }) => !there.has(id) && !leaving.has(id)),
    back: params.endpoints.filter(({ id }) => leaving.has(id)),
    replace: params.endpoints.filter(endpoint => {
      const before = there.get(endpoint.id)
      if (before === undefined || !ofOurs(before.mark)) return false
      return changed.has(endpoint.id) || !isSameText(before.endpoint, endpoint)
    }),
    remove: [...there].flatMap(([id, { mark }]) => (ofOurs(mark) && !known.has(id) && !silent.has(mark!) ? [id] : [])),
  }
}

/** But for who found it, and for the weight, which may have been set by hand since. */
function isSameText(a: NewEndpoint, b: NewEndpoint): boolean {
  return a.url === b.url && a.zone === b.zone && a.priority === b.priority && textOf(a.metadata) === textOf(b.metadata)
}

function textOf(metadata: NewEndpoint['metadata']): string {
  return JSON.stringify(
    Object.entries(metadata)
      .filter(([key]) => key !== DISCOVERED)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

/** All together; where one of them is at fault, those that are not. */
function addAll(
  attachment: Attachment,
  service: string,
  endpoints: readonly NewEndpoint[],
  refused: Refused[],
): readonly string[] {
  const byId = new Map(endpoints.map(endpoint => [endpoint.id, endpoint]))
  const add = (edit: Edit, index: number, id: string): void => void edit.add(index, byId.get(id)!)
  return asMany(attachment, service, 'add', [...byId.keys()], add, refused)
}

function removeAll(
  attachment: Attachment,
  service: string,
  ids: readonly string[],
  refused: Refused[],
): readonly string[] {
  const remove = (edit: Edit, index: number, id: string): void => edit.remove(index, attachment.rowOfId(index, id))
  return asMany(attachment, service, 'remove', ids, remove, refused)
}

/** Does it for all of them, or for as many as is allowed: halves are tried of what is refused whole. */
function asMany(
  attachment: Attachment,
  service: string,
  wish: Refused['wish'],
  ids: readonly string[],
  change: (edit: Edit, index: number, id: string) => void,
  refused: Refused[],
): readonly string[] {
  if (ids.length === 0) return []
  const why = edit(attachment, service, (edit, index) => {
    for (const id of ids) change(edit, index, id)
  })
  if (why === undefined) return ids
  if (ids.length === 1 || !(BY_NUMBER.has(why.because) || BY_ONE.has(why.because))) {
    refused.push({ wish, ids, because: why.text })
    return []
  }
  const middle = ids.length >> 1
  const before = refused.length
  const done = asMany(attachment, service, wish, ids.slice(0, middle), change, refused)
  // Where there are too many already, more are too many as well.
  if (BY_NUMBER.has(why.because) && refused.length > before) {
    refused.push({ wish, ids: ids.slice(middle), because: why.text })
    return done
  }
  return [...done, ...asMany(attachment, service, wish, ids.slice(middle), change, refused)]
}

/** In one edit where that is taken; where one thread is to try it first, it leaves now and is asked for again until it has left. */
function replaceOne(attachment: Attachment, service: string, endpoint: NewEndpoint, refused: Refused[]): void {
  const { id } = endpoint
  const why = edit(attachment, service, (edit, index) => {
    edit.remove(index, attachment.rowOfId(index, id))
    edit.add(index, endpoint)
  })
  if (why === undefined) return
  if (why.because === 'on-trial')
    edit(attachment, service, (edit, index) => edit.remove(index, attachment.rowOfId(index, id)))
  refused.push({ wish: 'add', ids: [id], because: why.text })
}

/** Why it was refused; undefined: it was not. */
function edit(
  attachment: Attachment,
  service: string,
  change: (edit: Edit, index: number) => void,
): { readonly because: string; readonly text: string } | undefined {
  try {
    attachment.writer.edit(edit => {
      const index = edit.find(service)
      if (index >= 0) change(edit, index)
    })
    return undefined
  } catch (error) {
    if (error instanceof PublicationRefused) return { because: error.because, text: error.message }
    if (error instanceof SignalboxError) return { because: error.code, text: error.message }
    throw error
  }
}
