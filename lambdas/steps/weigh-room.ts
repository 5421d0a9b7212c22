import { type RoomAssessment, weighRoomInput } from '../../core/space-reclaim/room-contracts.ts';
import { weighRoom } from '../../core/space-reclaim/space-room.ts';
import { parse } from '../../core/text/parse.ts';

/** From what the hosts have said: whose disk has room for a defragmentation. */
export async function handler(event: unknown): Promise<RoomAssessment> {
  return weighRoom(parse(weighRoomInput, event, "The step's input"));
}
