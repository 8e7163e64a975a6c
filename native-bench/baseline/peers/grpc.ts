import type { experimental } from '@grpc/grpc-js'
import { ofPeer } from '../../contest.ts'
import type { Peer } from './peer.ts'

const CONFIGS = {
  round_robin: { round_robin: {} },
  // Of endpoints that have told no load yet: all weigh the same, and each pick takes the next from its queue all the same.
  weighted_round_robin: { weighted_round_robin: {} },
  // Always the same: what a pick costs there at least.
  pick_first: { pick_first: {} },
  // Counts how calls end, so that their share of failures can be looked at.
  outlier_detection: {
    outlier_detection: { success_rate_ejection: {}, child_policy: [{ round_robin: {} }] },
  },
} as const

/** READY of its states of a connection. */
const READY = 2

type Subchannel = experimental.SubchannelInterface & { readonly index: number }

/**
 * A picker of grpc-js: that which its policy makes when it is told of endpoints whose connections are all ready. The policy, the picker and
 * what it answers are those of the package; only connections are not there.
 */
export function grpcPicker(policy: keyof typeof CONFIGS): Peer {
  return {
    name: `grpc-js ${policy}`,
    async begin(endpoints) {
      const peer = await ofPeer(() => import('@grpc/grpc-js'))
      if (peer === undefined) return undefined
      const { ChildLoadBalancerHandler, parseLoadBalancingConfig, statusOrFromValue } = peer.experimental
      let picker: experimental.Picker | undefined
      const balancer = new ChildLoadBalancerHandler({
        createSubchannel: address => readySubchannel('port' in address ? address.port : 0),
        updateState(state, latest) {
          if (state === READY) picker = latest
        },
        requestReresolution() {},
        addChannelzChild() {},
        removeChannelzChild() {},
      })
      const addresses = Array.from({ length: endpoints }, (_, i) => ({ addresses: [{ host: '127.0.0.1', port: i }] }))
      balancer.updateAddressList(statusOrFromValue(addresses), parseLoadBalancingConfig(CONFIGS[policy]), {}, '')
      if (picker === undefined) throw new Error(`grpc-js ${policy} made no picker of endpoints that are ready`)
      const ready = picker
      const args = { metadata: new peer.Metadata(), extraPickInfo: {} }
      let last: experimental.PickResult | undefined
      return {
        batch(times) {
          for (let i = 0; i < times; i++) last = ready.pick(args)
        },
        choose() {
          last = ready.pick(args)
          return (last.subchannel as Subchannel | null)?.index ?? -1
        },
        close: async () => balancer.destroy(),
      }
    },
  }
}

/** What policies ask of a connection: that it is there. */
function readySubchannel(index: number): Subchannel {
  const nothing = (): void => {}
  const subchannel = {
    index,
    getConnectivityState: () => READY,
    isHealthy: () => true,
    getAddress: () => `127.0.0.1:${index}`,
    realSubchannelEquals: (other: unknown) => other === subchannel,
    addConnectivityStateListener: nothing,
    removeConnectivityStateListener: nothing,
    addHealthStateWatcher: nothing,
    removeHealthStateWatcher: nothing,
    addDataWatcher: nothing,
    startConnecting: nothing,
    throttleKeepalive: nothing,
    ref: nothing,
    unref: nothing,
    getChannelzRef: () => ({ kind: 'subchannel', id: index, name: '' }),
  } as unknown as Subchannel
  return subchannel
}
