// The package is written for bundlers: its imports leave out `.js` and `/index.js`, which Node asks for.
const LEFT_OUT = { ERR_MODULE_NOT_FOUND: ".js", ERR_UNSUPPORTED_DIR_IMPORT: "/index.js" };

export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (!(error.code in LEFT_OUT)) throw error;
    return next(specifier + LEFT_OUT[error.code], context);
  }
}
