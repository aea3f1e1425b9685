import { passNights } from '../../support/pass-nights.ts';

passNights(1);
