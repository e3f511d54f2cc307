/** Common given names and surnames of Argentina. */
// biome-ignore format: one name per line would be long
export const GIVEN_NAMES = [
  'Agustín', 'Agustina', 'Aimé', 'Alejandro', 'Ana', 'Andrés', 'Ángel', 'Antonella', 'Ariel', 'Bautista',
  'Belén', 'Benjamín', 'Camila', 'Carla', 'Catalina', 'Ciro', 'Clara', 'Damián', 'Delfina', 'Diego',
  'Emanuel', 'Emilia', 'Enzo', 'Ezequiel', 'Facundo', 'Federico', 'Felicitas', 'Florencia', 'Francisco',
  'Gabriel', 'Gonzalo', 'Guadalupe', 'Ignacio', 'Inés', 'Irupé', 'Isabella', 'Joaquín', 'José', 'Josefina',
  'Juan', 'Julián', 'Juliana', 'Lautaro', 'Leonel', 'Lionel', 'Lourdes', 'Lucas', 'Lucía', 'Malena',
  'María', 'Martín', 'Martina', 'Mateo', 'Matías', 'Maximiliano', 'Micaela', 'Milagros', 'Morena', 'Nahuel',
  'Nicolás', 'Octavio', 'Olivia', 'Pablo', 'Paula', 'Pilar', 'Ramiro', 'Renata', 'Rocío', 'Rodrigo',
  'Santiago', 'Sebastián', 'Sofía', 'Thiago', 'Tiago', 'Tomás', 'Uma', 'Valentín', 'Valentina', 'Victoria',
  'Ximena', 'Yamila', 'Zoe',
] as const;

// biome-ignore format: one name per line would be long
export const SURNAMES = [
  'Acosta', 'Aguirre', 'Álvarez', 'Argañaraz', 'Ávila', 'Benítez', 'Bianchi', 'Blanco', 'Borges', 'Cabrera',
  'Castro', 'Córdoba', 'Coronel', "D'Amico", "D'Angelo", 'Díaz', 'Domínguez', 'Escobar', 'Etcheverry',
  'Fernández', 'Ferreyra', 'Figueroa', 'Flores', 'Forneris', 'García', 'Giménez', 'Godoy', 'Gómez',
  'González', 'Güemes', 'Gutiérrez', 'Hernández', 'Herrera', 'Ibáñez', 'Juárez', 'Ledesma', 'Leiva',
  'López', 'Lucero', 'Luna', 'Maldonado', 'Mamani', 'Mansilla', 'Martínez', 'Medina', 'Mejía', 'Méndez',
  'Molina', 'Morales', 'Moreno', 'Muñoz', 'Navarro', 'Núñez', 'Ojeda', 'Ortiz', 'Páez', 'Peralta',
  'Pereyra', 'Pérez', 'Quiroga', 'Ramírez', 'Ríos', 'Rivera', 'Rodríguez', 'Rojas', 'Romero', 'Ruiz',
  'Saldaña', 'Sánchez', 'Silva', 'Sosa', 'Soto', 'Suárez', 'Toledo', 'Torres', 'Vázquez', 'Vega', 'Vera',
  'Villalba', 'Zambrano', 'Zapata', 'Zárate',
] as const;
