import type { Stage, StageContext } from "../../run/stage.ts";
import type { StudyConfig } from "./config.ts";
import type { StudySession } from "./study_session.ts";

/** A stage of the study. */
export type StudyStage = Stage<StudyConfig, StudySession>;

/** What it works with. */
export type StudyContext = StageContext<StudyConfig, StudySession>;
