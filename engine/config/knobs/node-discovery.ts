import { isIP } from 'node:net'
import { z } from 'zod'
import { textLeaf, whole } from '../leaf.ts'
import { listenAddress } from '../listen-schema.ts'
import { choice, keys, NAME_LENGTH, name } from '../names.ts'
import { duration, ratio } from '../units.ts'
import { show } from '../wording.ts'
import { agentKnobs } from './enabled.ts'

const STRATEGIES = ['static', 'dns', 'multicast', 'registry', 'file'] as const

function isMulticast(text: string): boolean {
  const first = Number(text.split('.')[0])
  return isIP(text) === 4 && first >= 224 && first <= 239
}

const multicastSchema = keys({
  cluster: name('a cluster name', NAME_LENGTH, { mayBeEmpty: true })
    .prefault('')
    .describe('Which cluster this node is of; nodes of others are not heard. Empty: no multicast. Default empty.'),
  secret: textLeaf<string>({ what: 'a secret', wish: 'write a text', read: text => ({ value: text }) })
    .prefault('')
    .describe(
      'What all nodes of the cluster know and nobody else: each message is signed with it (HMAC-SHA256). Empty: whoever is on the network is believed. Default empty.',
    ),
  node: name('a node name', NAME_LENGTH)
    .optional()
    .describe('What this node is called among the others, each otherwise. Default: the name of the machine.'),
  address: listenAddress()
    .optional()
    .describe(
      'host:port at which others reach this node; they connect to it before they believe in it. Default: none.',
    ),
  group: textLeaf<string>({
    what: 'a multicast group',
    wish: 'write an IPv4 address from 224.0.0.0 to 239.255.255.255',
    read: text =>
      isMulticast(text)
        ? { value: text }
        : { fault: `${show(text)} is not a multicast group; write one such as 239.255.83.66` },
  })
    .prefault('239.255.83.66')
    .describe('The group nodes talk in; 239.0.0.0/8 does not leave the site. Default 239.255.83.66.'),
  port: whole(1, 65_535).prefault(8946).describe('UDP port of the group, 1 to 65535. Default 8946.'),
  interface: textLeaf<string>({
    what: 'an interface',
    wish: 'write the IPv4 address of an interface of this machine',
    read: text =>
      isIP(text) === 4
        ? { value: text }
        : { fault: `${show(text)} is not an interface; write its IPv4 address, such as 10.0.0.5` },
  })
    .optional()
    .describe('IPv4 address of the interface that is used. Default: as the system routes.'),
  announce: duration({ min: '1s' })
    .prefault('30s')
    .describe('This node tells of itself at 0, 1, 3 and 7 s, then this often, ± 20 %; at least 1s. Default 30s.'),
})

export const nodeDiscoveryKnobs = agentKnobs({
  strategies: z
    .array(choice('a strategy', STRATEGIES))
    .prefault([...STRATEGIES])
    .describe(`By what endpoints and nodes are found: ${STRATEGIES.join(', ')}. Default: all.`),
  interval: duration({ min: '1s' })
    .prefault('30s')
    .describe(
      'How often all is looked for anew, and each endpoint connected to; with more than 64 for each second of it, less often. At least 1s. Default 30s.',
    ),
  timeout: duration({ min: '100ms', max: '60s' })
    .prefault('10s')
    .describe('After so long a look is over whatever has not answered, 100ms to 60s. Default 10s.'),
  connectTimeout: duration({ min: '10ms', max: '60s' })
    .prefault('1s')
    .describe('How long a connection may take that shows whether something is reached, 10ms to 60s. Default 1s.'),
  riskThreshold: ratio()
    .prefault('70%')
    .describe('From which risk on an endpoint is told of as likely to fail, by how it is reached. Default 70%.'),
  topologySync: duration({ min: '1s' })
    .prefault('15s')
    .describe('How often the registry and who missed the last topology are gone through; at least 1s. Default 15s.'),
  multicast: multicastSchema.prefault({}).describe('Nodes find each other by multicast. Default: see each key.'),
})
