import { clusterOrchestratorKnobs } from './knobs/cluster-orchestrator.ts'
import { configurationManagerKnobs } from './knobs/configuration-manager.ts'
import { consensusCoordinatorKnobs } from './knobs/consensus-coordinator.ts'
import { failureDetectorKnobs } from './knobs/failure-detector.ts'
import { healthMonitorKnobs } from './knobs/health-monitor.ts'
import { loadBalancerKnobs } from './knobs/load-balancer.ts'
import { metricsCollectorKnobs } from './knobs/metrics-collector.ts'
import { nodeDiscoveryKnobs } from './knobs/node-discovery.ts'
import { partitionHandlerKnobs } from './knobs/partition-handler.ts'
import { predictorKnobs } from './knobs/predictor.ts'
import { resourceManagerKnobs } from './knobs/resource-manager.ts'
import { topologyOptimizerKnobs } from './knobs/topology-optimizer.ts'
import { choice, keys } from './names.ts'

/** How the agents run, and the knobs of each under its name. */
export const agentsSchema = keys({
  threads: choice('a way to share threads', ['grouped', 'dedicated', 'shared'])
    .prefault('grouped')
    .describe('Which agents share a thread: those of a group, none (dedicated), or all (shared). Default grouped.'),
  supervision: choice('a profile', ['default', 'fast'])
    .prefault('default')
    .describe(
      'How closely their threads are watched: one that hangs is found after a second, or with fast after some 100 ms, for ten times as many wake-ups and a spare thread. Default default.',
    ),
  'node-discovery': nodeDiscoveryKnobs
    .prefault({})
    .describe('The agent that finds endpoints and nodes. Default: runs.'),
  'health-monitor': healthMonitorKnobs
    .prefault({})
    .describe('The agent that checks endpoints actively. Default: runs.'),
  'failure-detector': failureDetectorKnobs
    .prefault({})
    .describe('The agent that ejects endpoints by the traffic they answer. Default: runs.'),
  'partition-handler': partitionHandlerKnobs
    .prefault({})
    .describe('The agent that tells a partition of the nodes from a crash. Default: runs.'),
  'resource-manager': resourceManagerKnobs
    .prefault({})
    .describe('The agent that keeps this process within its means, and knows those of endpoints. Default: runs.'),
  'topology-optimizer': topologyOptimizerKnobs
    .prefault({})
    .describe('The agent that prefers zones by latency and distance. Default: runs.'),
  'load-balancer': loadBalancerKnobs
    .prefault({})
    .describe('The agent that folds the facts into effective weights. Default: runs.'),
  predictor: predictorKnobs
    .prefault({})
    .describe('The agent that forecasts load, latency and failures. Default: runs.'),
  'consensus-coordinator': consensusCoordinatorKnobs
    .prefault({})
    .describe('The agent that has others decide together. Default: runs.'),
  'cluster-orchestrator': clusterOrchestratorKnobs
    .prefault({})
    .describe('The agent that carries out operations and meets emergencies. Default: runs.'),
  'metrics-collector': metricsCollectorKnobs
    .prefault({})
    .describe('The agent that keeps latencies and rates of the last 10 s and 60 s. Default: runs.'),
  'configuration-manager': configurationManagerKnobs
    .prefault({})
    .describe('The agent that tells of each config that is taken, and keeps the last 20. Default: runs.'),
})
