import { type FakePeople, fakePeople } from './fake-people.ts'
import { NOW } from './fixtures.ts'

const ago = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000).toISOString()

/** Ada looks after the installation, owns a team, and has let programs in. */
export function peopleFixture(): FakePeople {
  return fakePeople({
    people: {
      'ada@red.test': { displayName: 'Ada Lovelace', password: 'correct horse battery' },
      'bob@red.test': { displayName: 'Bob', password: 'battery staple horse' },
    },
    organisations: [
      {
        id: 'org_red',
        slug: 'red-team',
        displayName: 'Red team',
        createdAt: ago(700),
        role: 'owner',
        members: [
          {
            accountId: 'acc_ada@red.test',
            email: 'ada@red.test',
            displayName: 'Ada Lovelace',
            role: 'owner',
            since: ago(700),
          },
          {
            accountId: 'acc_bob@red.test',
            email: 'bob@red.test',
            displayName: 'Bob',
            role: 'member',
            since: ago(30),
          },
          { accountId: 'acc_sso', displayName: 'Member of another issuer', role: 'viewer', since: ago(3) },
        ],
        projects: [{ id: 'prj_1', name: 'red-team/default', displayName: 'Default', createdAt: ago(700) }],
      },
    ],
    tokens: [
      {
        id: 'tok_b',
        name: 'nightly training',
        scopes: ['jobs:write', 'datasets:read'],
        createdAt: ago(200),
        project: 'red-team/default',
        lastUsedAt: ago(0.2),
        expiresAt: ago(-900),
      },
      { id: 'tok_a', name: 'a very old script', scopes: ['admin:*'], createdAt: ago(9000) },
    ],
    sessions: [
      { id: 'ses_b', createdAt: ago(1), expiresAt: ago(-300), lastUsedAt: ago(0), current: true },
      { id: 'ses_a', createdAt: ago(50), expiresAt: ago(-250), lastUsedAt: ago(20), current: false },
    ],
    resets: {},
  })
}
