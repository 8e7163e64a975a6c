import { defineAction } from '../kit/grammar/action.ts'
import { trusted } from '../kit/grammar/schema.ts'
import { defineSignal } from '../kit/grammar/signal.ts'
import { placeOf, reach } from '../skills/network/connect-time.ts'
import { forbiddenFor } from './forbidden-address.ts'

/** Nodes have no admin listener here. */
const NO_ADMIN = { address: '', port: -1 }

/** Whether a node can be connected to at the address it says. */
export const nodeTried = defineSignal('signalbox.discovery.node-tried', {
  data: trusted<{
    readonly node: string
    readonly address: string
    /** null: it cannot. */
    readonly connectMs: number | null
  }>(),
})

/** Connects to a node before it is believed to be where it says. */
export const tryNode = defineAction({
  name: 'try-node',
  isOutside: true,
  done: nodeTried,
  timeoutMs: 0,
  run: async ({ node, address, timeoutMs }: { node: string; address: string; timeoutMs: number }, edge) => {
    const url = `http://${address}`
    if (!URL.canParse(url)) return { node, address, connectMs: null }
    const { host, port } = placeOf(url)
    if (forbiddenFor(host, port, NO_ADMIN) !== undefined) return { node, address, connectMs: null }
    return { node, address, connectMs: (await reach(host, port, timeoutMs, edge)).connectMs }
  },
})
