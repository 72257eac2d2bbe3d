import type { Stage, StageContext } from "../../run/stage.ts";
import type { StudyConfig } from "./config.ts";
import type { DeskSession } from "./session.ts";

/** A stage of the study. */
export type StudyStage = Stage<StudyConfig, DeskSession>;

/** What it works with. */
export type StudyContext = StageContext<StudyConfig, DeskSession>;
