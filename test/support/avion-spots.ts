/** The stuff that made-up traffic logs are made of: names as they occur, awkward ones among them. */

export const stations = [
  ...['WABC', 'KTLA', 'WGN', 'KPIX', 'WCVB', 'KHOU', 'WXIA', 'KING', 'WPLG', 'KUSA', 'WDIV', 'KSTP', 'WTHR', 'KOIN'],
  ...['WRAL', 'KVUE', 'WSB-TV', 'KGTV', 'WESH', 'KMBC', 'WBNS', 'KRON', 'WNBC-DT2', 'K07ZE-D', 'WLS', 'KSAT', 'WTAE'],
];

export const advertisers = [
  ...[
    'Ford Motor Company',
    'Smith, Jones & Daughters',
    'Big Al\'s "Always Open" Auto',
    'Café Olé',
    "O'Reilly Auto Parts",
  ],
  ...[
    'Procter & Gamble',
    'Brötchen & Söhne GmbH',
    'Toyota (トヨタ自動車)',
    'The "Real" Deal, Inc.',
    'AT&T',
    'Señor Sol, S.A.',
  ],
  ...[
    'Lowe’s',
    'Citizens for a Better Ohio; paid for by C.B.O.',
    'Naïve Crêperie',
    'State of New Jersey',
    'Łódź Tours',
  ],
  ...[
    '7-Eleven',
    '=SUM Holdings',
    '-Dash & Co',
    '@Home Furnishings',
    'Mattress Firm',
    'Dr. Müller Zahnärzte',
    'H&R Block',
  ],
  ...[
    'Verizon',
    '"Quoted, LLC"',
    'Kräuter/Öle',
    'Jeep®',
    'Ω Omega Watches',
    'École Supérieure',
    'A',
    'Ünal & Şahin Ltd.',
  ],
  ...[
    'American Family Insurance',
    'Ströer, "Out-of-Home"',
    'Wal-Mart Stores, Inc.',
    'Hyundai (현대자동차)',
    'Elect Ann O’Neil',
  ],
];

export const agencies = [
  'Horizon Media',
  'GSD&M',
  'Zenith',
  'OMD, East',
  '',
  'Direct',
  'Wieden+Kennedy',
  'Örn & Partner',
];

export const notes = [
  ...['', '', '', '', 'make-good', 'ROS', 'first in break', 'see contract, page 2', 'client says "no adjacency"'],
  ...['moved from 11 pm\nsee mail of the 3rd', 'billboard', 'PP/political'],
];

export const durations = ['30', '30', '30', '15', '60', '10', '120', ' 30', '30 ', '05'];
