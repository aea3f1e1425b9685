/** A good record, in the words of those who write them. */
export function maintenanceRecord(id: string, change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    record_id: id,
    component_sn: `SN-${id}`,
    part_number: '3214-1',
    form_type: 'FAA Form 8130-3',
    cert_status: 'serviceable',
    removal_date: '2026-01-05',
    ocr_confidence: 0.97,
    work: { performed: ['inspected', 'tested — Ω'], hours: 2.25 },
    ...change,
  };
}
