import { parse } from '../../core/contracts/parse.ts';
import { type RoomAssessment, weighRoomInput } from '../../core/contracts/space.ts';
import { weighRoom } from '../../core/decisions/space-room.ts';

/** From what the hosts have said: whose disk has room for a defragmentation. */
export async function handler(event: unknown): Promise<RoomAssessment> {
  return weighRoom(parse(weighRoomInput, event, "The step's input"));
}
