// The declarations as a module sees them.
import CComet, { CComet as Named } from '../../../../CComet.Web/wwwroot/js/ccomet.mjs';

const room: CComet = new Named({ channel: 'lobby' });
export const cursor: string | null = room.cursor;
export const state: CComet['state'] = room.state;

// @ts-expect-error a promise is no receipt
export const seqid: number = room.publish('x').seqid;
