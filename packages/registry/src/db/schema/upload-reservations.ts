/** Bytes of one request that is being received, or was when its process ended. They count against the quota until they expire. */
export interface UploadReservationTable {
  id: string
  namespace: string
  size_bytes: number
  expires_at: Date
}
