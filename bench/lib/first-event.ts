/** The smallest trainer: one event, then it leaves. Without imports of ours, so that the launcher is what is measured. */
export const FIRST_EVENT_PROGRAM = `
const { CALLBACK_URL, CALLBACK_TOKEN, CALLBACK_TOKEN_FILE, JOB_ATTEMPT } = process.env
const token = CALLBACK_TOKEN ?? require('fs').readFileSync(CALLBACK_TOKEN_FILE, 'utf8')
const body = JSON.stringify({ attempt: Number(JOB_ATTEMPT), events: [{ seq: 1, time: new Date().toISOString(), type: 'started' }] })
const headers = { authorization: 'Bearer ' + token, 'content-type': 'application/json', 'content-length': body.length }
require('http').request(CALLBACK_URL + '/events', { method: 'POST', headers }, (answer) => answer.resume()).end(body)
`
