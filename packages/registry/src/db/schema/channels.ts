/** A name such as `next` that stands for a version. Set by the owner; `latest` and `next` are computed unless they are set. */
export interface ChannelTable {
  repository_id: number
  name: string
  version_id: number
  set_at: Date
}
