import type { NewEndpoint, PublicationRefused } from '../../../engine/writer.ts'
import { defineAction } from '../../kit/grammar/action.ts'
import { trusted } from '../../kit/grammar/schema.ts'
import { defineSignal } from '../../kit/grammar/signal.ts'

export interface EndpointsEdit {
  /** Comes back with the answer. */
  readonly key: string
  readonly service: string
  readonly add: readonly NewEndpoint[]
  /** Ids. */
  readonly remove: readonly string[]
  /** Those that go were added for the same purpose, which has failed: the service loses nothing that it had. */
  readonly takesBack?: boolean
}

/** What came of an edit: an empty fault is a success. `added`: ids of those that were not there before. */
export const endpointsEdited = defineSignal('signalbox.endpoints.edited', {
  data: trusted<{ readonly key: string; readonly fault: string; readonly added: readonly string[] }>(),
})

/**
 * Adds endpoints to a service and takes others out, in one edit that is published or refused whole by the rules of publication. Said
 * again it does nothing: what is there is not added, and what is gone is not taken out.
 */
export const editEndpoints = defineAction({
  name: 'edit-endpoints',
  done: endpointsEdited,
  run({ key, service, add, remove, takesBack = false }: EndpointsEdit, { attachment }) {
    const added: string[] = []
    try {
      attachment.writer.edit(edit => {
        const index = edit.find(service)
        if (index < 0) return
        const idOf = (row: number): string => attachment.endpoint(row).id
        const there = new Map(edit.rows(index).map(row => [idOf(row), row]))
        for (const endpoint of add) {
          if (there.has(endpoint.id)) continue
          edit.add(index, endpoint)
          added.push(endpoint.id)
        }
        for (const id of remove) {
          const row = there.get(id)
          if (row === undefined) continue
          if (takesBack) edit.takeBack(index, row)
          else edit.remove(index, row)
        }
      })
      return { key, fault: '', added }
    } catch (error) {
      return { key, fault: (error as PublicationRefused).message, added: [] }
    }
  },
})
