import type { Row } from './row.ts'

const ROOM = 'agents/cluster-orchestrator'
const SKILLS = 'agents/skills'
const TESTS = 'test/agents/cluster-orchestrator'
const OPERATIONS = `${TESTS}/operations.test.ts`
const MAINTENANCE = `${TESTS}/maintenance.test.ts`
const EMERGENCIES = `${TESTS}/emergencies.test.ts`
const NODES = `${TESTS}/several-nodes.test.ts`
const SENSED = `${TESTS}/agent.test.ts`
const COORDINATOR = 'test/agents/consensus-coordinator/agent.test.ts'
const START = 'test/agents/start-and-stop.test.ts'

/** Agreeing, operations, emergencies, and what every agent is. */
export const ROWS: readonly Row[] = [
  {
    id: 'AG-0',
    does: 'has a role, is registered on a lease and tried again where it is not, beats, answers for its health, and reports sixteen things',
    code: 'agents/kit/member/membership.ts#membership',
    test: 'test/agents/kit/member/membership.test.ts',
  },
  {
    id: 'AG-4',
    does: 'carries out operations and meets emergencies, one node at a time by lease and fence, the others standing by',
    code: `${ROOM}/agent.ts#clusterOrchestrator`,
    test: NODES,
  },
  {
    id: 'AG-5',
    does: 'has all agents of a role decide on a motion, and tells whoever asked what became of it',
    code: 'agents/consensus-coordinator/agent.ts#consensusCoordinator',
    test: COORDINATOR,
  },
  {
    id: 'AG-10',
    does: 'supervises all agents, and lists each with its state, restarts and thread',
    code: 'agents/kit/supervision/supervisor.ts#Supervisor',
    test: START,
  },
  {
    id: 'AG-13',
    does: 'starts store and agents in order and stops them in reverse, a hundred times without anything left behind',
    code: 'agents/start-agents.ts#startAgents',
    test: START,
  },
  {
    id: 'AC-1',
    does: 'writes who an agent is under a lease, and again when that was lost',
    code: 'agents/bridge/registry.ts#Registry',
    test: 'test/agents/bridge/registry.test.ts',
  },
  {
    id: 'AC-2',
    does: 'takes over what is newer than what is known of the cluster, and passes over what is older',
    code: `${SKILLS}/agreement/cluster-state.ts#applyDelta`,
    test: NODES,
  },
  {
    id: 'AC-5',
    does: 'has each role take the step it has for tuning itself, which answers with figures of before and after',
    code: `${ROOM}/optimize.ts#tuningTasks`,
    test: OPERATIONS,
  },
  {
    id: 'AC-6',
    does: 'votes once by the policy of its room, and on taking part by its health where the room has no word on it',
    code: 'agents/kit/member/readiness.ts#readinessVote',
    test: 'test/agents/kit/member/readiness.test.ts',
  },
  {
    id: 'AC-7',
    does: 'tells how an agent is with each heartbeat and when that changes; the orchestrator keeps it by role',
    code: `${ROOM}/agents-known.ts#heard`,
    test: SENSED,
  },
  {
    id: 'AC-32',
    does: 'is where the five operations are asked for, by a signal or over HTTP, under its first name too',
    code: 'engine/admin/operation-routes.ts#operationRoutes',
    test: 'test/admin/operations.test.ts',
  },
  {
    id: 'AC-33',
    does: 'opens a session of tasks for other agents, with a deadline and a result for each, late ones too',
    code: `${SKILLS}/operations/session.ts#openSession`,
    test: 'test/agents/skills/operations/coordination.test.ts',
  },
  {
    id: 'AC-34',
    does: 'has this node join, drain, leave or begin anew as one that carries out what concerns all; requests to it are not concerned',
    code: `${ROOM}/lifecycle.ts#Lifecycle`,
    test: NODES,
  },
  {
    id: 'AC-35',
    does: 'closes the gaps between goals and figures, verifies, and takes back what made it worse',
    code: `${ROOM}/optimize.ts#optimizePerformance`,
    test: OPERATIONS,
  },
  {
    id: 'AC-36',
    does: 'meets the failure of a node, a partition and a shortage, each by its own procedure',
    code: `${SKILLS}/operations/emergency-procedures.ts#PROCEDURES`,
    test: EMERGENCIES,
  },
  {
    id: 'AC-38',
    does: 'brings all nodes to one state by snapshot and delta, with one hash',
    code: `${SKILLS}/agreement/cluster-state.ts#followRecords`,
    test: NODES,
  },
  {
    id: 'AC-39',
    does: 'takes endpoints out for a window of time and back, unless too little would be left, and breaks off where the goal is at risk',
    code: `${ROOM}/maintenance.ts#maintenanceWindow`,
    test: MAINTENANCE,
  },
  {
    id: 'SE-1',
    does: 'looks every 15 s who is registered and which endpoints there are, and tells the orchestrator when that has changed',
    code: `${ROOM}/sensors.ts#clusterStateSensor`,
    test: SENSED,
  },
  {
    id: 'SE-6',
    does: 'tells what is open, for how long, and how fast the store answers',
    code: `${SKILLS}/agreement/agreement.ts#consensusState`,
    test: COORDINATOR,
  },
  {
    id: 'SE-27',
    does: 'tells endpoints and agents by state, versions, who leads, and whether anything can be decided',
    code: `${ROOM}/sensors.ts#clusterOverviewSensor`,
    test: SENSED,
  },
  {
    id: 'SE-28',
    does: 'tells of sessions that are open, ended, failed and late',
    code: `${SKILLS}/operations/coordination.ts#agentCoordination`,
    test: 'test/agents/skills/operations/coordination.test.ts',
  },
  {
    id: 'SE-29',
    does: 'tells rate, failures, p50 and p99 of all requests, from histograms that are merged',
    code: `${ROOM}/sensors.ts#clusterPerformanceSensor`,
    test: SENSED,
  },
  {
    id: 'SE-31',
    does: 'tells how well the cluster is, from 0 to 1, and what is missing to 1',
    code: `${ROOM}/sensors.ts#clusterHealthSensor`,
    test: SENSED,
  },
  {
    id: 'SK-4',
    does: 'agrees on behalf of others: opens a motion, follows it, answers everybody who asked for the same',
    code: `${SKILLS}/agreement/agreement.ts#agreement`,
    test: COORDINATOR,
  },
  {
    id: 'SK-20',
    does: 'carries operations through their stages, takes back what failed, and hands them to the next leader',
    code: `${SKILLS}/operations/operations.ts#operations`,
    test: OPERATIONS,
  },
  {
    id: 'SK-21',
    does: 'asks several agents at once, and knows by a deadline what came of each',
    code: `${SKILLS}/operations/coordination.ts#coordination`,
    test: 'test/agents/skills/operations/coordination.test.ts',
  },
  {
    id: 'SK-22',
    does: 'acts at once, asks the roles concerned, escalates by its clock, and looks every second whether it is over',
    code: `${SKILLS}/operations/emergency.ts#emergencyResponse`,
    test: EMERGENCIES,
  },
  {
    id: 'SK-24',
    does: 'leads a role by lease and fence, gives it up with the right to decide, and acts alone where there is no store',
    code: `${SKILLS}/agreement/leadership.ts#leadership`,
    test: 'test/agents/skills/agreement/leadership.test.ts',
  },
  {
    id: 'ALG-21',
    does: 'ranks gaps, has all agents concerned act within 60 s, verifies a window later, and takes back what is worse by 5 %',
    code: `${ROOM}/goals.ts#gapsOf`,
    test: OPERATIONS,
  },
  {
    id: 'D15',
    does: 'asks all roles of an emergency beside each other: two that are silent cost fifteen seconds together',
    code: `${SKILLS}/operations/consent.ts#askRole`,
    test: NODES,
  },
  {
    id: 'D16',
    does: 'does all immediate actions of an emergency before it asks anybody',
    code: `${SKILLS}/operations/emergency-course.ts#begin`,
    test: EMERGENCIES,
  },
  {
    id: 'D17',
    does: 'answers an emergency of an unknown kind with no_emergency_procedure',
    code: `${SKILLS}/operations/emergency-asking.ts#onRequested`,
    test: EMERGENCIES,
  },
  {
    id: 'D18',
    does: 'supervises every agent, and knows by role who is there and which roles nobody has',
    code: `${ROOM}/agents-known.ts#ROLES`,
    test: SENSED,
  },
  {
    id: 'D23',
    does: 'keeps an agent’s registration, and sees when it is lost and made again',
    code: 'agents/kit/member/membership.ts#onEntry',
    test: 'test/agents/kit/member/membership.test.ts',
  },
  {
    id: 'D28',
    does: 'freezes who votes, and in which of their lives, when a proposal is opened',
    code: 'agents/bridge/proposal.ts#counted',
    test: COORDINATOR,
  },
  {
    id: 'D30',
    does: 'orders decisions by the revision of the store; which time it is of a subject is the fence of the decision before',
    code: `${SKILLS}/agreement/decisions.ts#Decisions`,
    test: COORDINATOR,
  },
  {
    id: 'D31',
    does: 'lets skills add actions: each mind of an agent has its own, also under one name',
    code: 'agents/kit/run/mind.ts#Mind',
    test: 'test/agents/kit/run/skill.test.ts',
  },
  {
    id: 'D32',
    does: 'composes an agent of itself and its skills, each with a state of its own',
    code: 'agents/kit/grammar/skill.ts#defineSkill',
    test: 'test/agents/kit/run/skill.test.ts',
  },
  {
    id: 'D35',
    does: 'has one orchestrator act at a time, and refuses what an earlier one writes late',
    code: 'agents/bridge/fenced-records.ts#FencedRecords',
    test: NODES,
  },
  {
    id: 'D36',
    does: 'has stages and writes that come to the same when said again, so that another one goes on with them',
    code: `${SKILLS}/operations/operation-book.ts#resumed`,
    test: MAINTENANCE,
  },
  {
    id: 'D37',
    does: 'finds an agent that hangs by its heartbeat, ends its thread and starts another',
    code: 'agents/kit/supervision/watch.ts#isHung',
    test: 'test/agents/kit/supervision/supervisor.test.ts',
  },
]
