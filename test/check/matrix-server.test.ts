import { holdCorrect, holdMutants } from './matrix.ts';
import { PYTHON_DRAW_MUTANTS } from './subjects/python-draw-mutants.ts';
import { PYTHON_SERVER_MUTANTS } from './subjects/python-server-mutants.ts';

holdCorrect('python');
holdMutants('python', [...PYTHON_SERVER_MUTANTS, ...PYTHON_DRAW_MUTANTS]);
