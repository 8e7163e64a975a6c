import type { Row } from './row.ts'

/** What the health monitor does about what it finds. */
export const ROWS: readonly Row[] = [
  {
    id: 'AC-4',
    does: 'finds what is wrong with an endpoint, tries the procedure for it three times, and calls a person when that was in vain',
    code: 'agents/skills/incidents/failure-procedures.ts#procedureOf',
    test: 'test/agents/skills/recovery.test.ts',
  },
  {
    id: 'AC-26',
    does: 'tells what is wrong by rules, the severest of each metric, once a minute of each endpoint',
    code: 'agents/skills/incidents/alerting.ts#alerting',
    test: 'test/agents/skills/incidents/alerting.test.ts',
  },
  {
    id: 'AC-27',
    does: 'claims a repair by a lease in the store, so that one node repairs one endpoint',
    code: 'agents/skills/incidents/repair-claim.ts#claimRepair',
    test: 'test/agents/skills/recovery.test.ts',
  },
  {
    id: 'AC-29',
    does: 'keeps the list of endpoints that are kept out: adds, prolongs, ends and refuses, three tenths of a service at most',
    code: 'agents/skills/incidents/quarantine.ts#quarantine',
    test: 'test/agents/skills/incidents/quarantine.test.ts',
  },
  {
    id: 'AC-31',
    does: 'shares verdicts with other nodes, and believes who has seen before who was told',
    code: 'agents/skills/incidents/verdicts.ts#merge',
    test: 'test/agents/skills/incidents/health-coordination.test.ts',
  },
  {
    id: 'SK-2',
    does: 'runs a procedure: steps, attempts with a back-off, verification, and what takes back what was done in vain',
    code: 'agents/skills/incidents/failure-recovery.ts#failureRecovery',
    test: 'test/agents/skills/incidents/repair-procedure.test.ts',
  },
  {
    id: 'SK-16',
    does: 'leads a failure from its alert to its end: whether it is repaired, by which node, and what came of it',
    code: 'agents/skills/incidents/recovery-orchestration.ts#recoveryOrchestration',
    test: 'test/agents/skills/recovery.test.ts',
  },
  {
    id: 'SK-19',
    does: 'has the monitors of several nodes agree on whom to keep out, and tells them what it takes endpoints for',
    code: 'agents/skills/incidents/health-coordination.ts#healthCoordination',
    test: 'test/agents/skills/incidents/health-coordination.test.ts',
  },
  {
    id: 'ALG-22',
    does: 'keeps an endpoint out for a time by reason, twice as long each time within an hour, half an hour at most, ± 10 %',
    code: 'agents/skills/incidents/quarantine-time.ts#quarantineMs',
    test: 'test/agents/skills/incidents/quarantine-time.test.ts',
  },
  {
    id: 'ALG-24',
    does: 'takes of the rules that are broken for long enough the severest of each metric',
    code: 'agents/skills/incidents/alert-rules.ts#dueOf',
    test: 'test/agents/skills/incidents/alert-rules.test.ts',
  },
  {
    id: 'D7',
    does: 'has one entry for each endpoint in quarantine, which is not picked, and which ends',
    code: 'agents/skills/incidents/quarantine-list.ts#put',
    test: 'test/agents/skills/incidents/quarantine.test.ts',
  },
  {
    id: 'D14',
    does: 'acts on what was decided of a quarantine: confirmed, let back when outvoted, left to itself when nobody could decide',
    code: 'agents/skills/incidents/quarantine.ts#onDecided',
    test: 'test/agents/skills/incidents/health-coordination.test.ts',
  },
  {
    id: 'D19',
    does: 'repairs by itself unless the config says no',
    code: 'engine/config/knobs/incidents.ts#incidentKnobs',
    test: 'test/agents/skills/recovery.test.ts',
  },
  {
    id: 'D29',
    does: 'names a proposal by endpoint and episode, so that monitors that find the same open the same',
    code: 'agents/skills/incidents/health-coordination.ts#askOthers',
    test: 'test/agents/skills/incidents/health-coordination.test.ts',
  },
  {
    id: 'F14',
    does: 'with 40 % of the endpoints unhealthy keeps three tenths out, and panics below half of the rest',
    code: 'agents/skills/incidents/sight.ts#sightOf',
    test: 'test/agents/skills/incidents/alerting.test.ts',
  },
]
