import { holdCorrect, holdMutants } from './matrix.ts';
import { NODE_MUTANTS } from './subjects/node-mutants.ts';
import { PYTHON_CLIENT_MUTANTS } from './subjects/python-client-mutants.ts';

holdCorrect('node');
holdMutants('node', NODE_MUTANTS);
holdMutants('python', PYTHON_CLIENT_MUTANTS);
