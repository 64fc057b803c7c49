/* A PKCS #11 library that forwards to another one and misbehaves on order.
 *
 * SHIM_LIBRARY names the library behind it, SHIM_FOLDER a folder of orders.
 * Every call that is watched appends its name to the file `log` there.
 * An order is a file named after the function; it is read and removed by the next call of it:
 *   return N   do not forward, return the number N
 *   flip       forward, then change one bit of the output (C_Sign)
 *   hang       wait until the file `release` exists, then forward
 * C_Sign is watched only when it is asked for the signature itself, not for its length.
 * Layout of CK_FUNCTION_LIST and order of its pointers: PKCS #11 v2.40, pkcs11t.h and pkcs11f.h.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long word;
typedef word (*function)(void);

struct list {
    unsigned char version[2];
    function at[68];
};

enum { INITIALIZE = 0, FINALIZE = 1, GET_FUNCTION_LIST = 3, OPEN_SESSION = 12, CLOSE_SESSION = 13,
       LOGIN = 18, FIND_OBJECTS_INIT = 26, SIGN_INIT = 42, SIGN = 43, GENERATE_KEY_PAIR = 59 };

static struct list ours;
static struct list *theirs;

static const char *in_folder(char *buffer, size_t size, const char *name) {
    snprintf(buffer, size, "%s/%s", getenv("SHIM_FOLDER"), name);
    return buffer;
}

static void note(const char *name) {
    char path[4096];
    FILE *log = fopen(in_folder(path, sizeof path, "log"), "a");
    if (log != NULL) {
        fprintf(log, "%s\n", name);
        fclose(log);
    }
}

/* Takes the order for this function, if there is one. Two threads cannot take the same one, since only one removes it. */
static int take(const char *name, char *order, size_t size) {
    char path[4096];
    FILE *file = fopen(in_folder(path, sizeof path, name), "r");
    if (file == NULL) {
        return 0;
    }
    size_t length = fread(order, 1, size - 1, file);
    order[length] = 0;
    fclose(file);
    return unlink(path) == 0;
}

static void hang(void) {
    char path[4096];
    in_folder(path, sizeof path, "release");
    while (access(path, F_OK) != 0) {
        usleep(1000);
    }
}

/* Notes the call and obeys its order; 1 if the call is over with `result`, else 0, with `flip` set if the output is to be changed. */
static int watch(const char *name, word *result, int *flip) {
    char order[64];
    note(name);
    *flip = 0;
    if (!take(name, order, sizeof order)) {
        return 0;
    }
    if (strncmp(order, "return ", 7) == 0) {
        *result = strtoul(order + 7, NULL, 0);
        return 1;
    }
    if (strncmp(order, "hang", 4) == 0) {
        hang();
    }
    *flip = strncmp(order, "flip", 4) == 0;
    return 0;
}

#define WATCH(name) \
    word result; \
    int flip; \
    if (watch(name, &result, &flip)) return result;

static word initialize(void *arguments) {
    WATCH("C_Initialize")
    return ((word (*)(void *))theirs->at[INITIALIZE])(arguments);
}

static word finalize(void *reserved) {
    WATCH("C_Finalize")
    return ((word (*)(void *))theirs->at[FINALIZE])(reserved);
}

static word open_session(word slot, word flags, void *application, void *notify, word *session) {
    WATCH("C_OpenSession")
    return ((word (*)(word, word, void *, void *, word *))theirs->at[OPEN_SESSION])(slot, flags, application, notify, session);
}

static word close_session(word session) {
    WATCH("C_CloseSession")
    return ((word (*)(word))theirs->at[CLOSE_SESSION])(session);
}

static word login(word session, word user, unsigned char *pin, word length) {
    WATCH("C_Login")
    return ((word (*)(word, word, unsigned char *, word))theirs->at[LOGIN])(session, user, pin, length);
}

static word find_objects_init(word session, void *template, word count) {
    WATCH("C_FindObjectsInit")
    return ((word (*)(word, void *, word))theirs->at[FIND_OBJECTS_INIT])(session, template, count);
}

static word sign_init(word session, void *mechanism, word key) {
    WATCH("C_SignInit")
    return ((word (*)(word, void *, word))theirs->at[SIGN_INIT])(session, mechanism, key);
}

static word sign(word session, unsigned char *data, word length, unsigned char *signature, word *signature_length) {
    function forward = theirs->at[SIGN];
    if (signature == NULL) {
        return ((word (*)(word, unsigned char *, word, unsigned char *, word *))forward)(session, data, length, signature, signature_length);
    }
    WATCH("C_Sign")
    result = ((word (*)(word, unsigned char *, word, unsigned char *, word *))forward)(session, data, length, signature, signature_length);
    if (flip && result == 0) {
        signature[*signature_length / 2] ^= 1;
    }
    return result;
}

static word generate_key_pair(word session, void *mechanism, void *public, word public_count, void *private, word private_count, word *public_key, word *private_key) {
    WATCH("C_GenerateKeyPair")
    return ((word (*)(word, void *, void *, word, void *, word, word *, word *))theirs->at[GENERATE_KEY_PAIR])(
        session, mechanism, public, public_count, private, private_count, public_key, private_key);
}

word C_GetFunctionList(struct list **out) {
    if (theirs == NULL) {
        void *library = dlopen(getenv("SHIM_LIBRARY"), RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) {
            fprintf(stderr, "shim: %s\n", dlerror());
            return 5;
        }
        word (*get)(struct list **) = (word (*)(struct list **))dlsym(library, "C_GetFunctionList");
        word result = get(&theirs);
        if (result != 0) {
            return result;
        }
        ours = *theirs;
        ours.at[INITIALIZE] = (function)initialize;
        ours.at[FINALIZE] = (function)finalize;
        ours.at[GET_FUNCTION_LIST] = (function)C_GetFunctionList;
        ours.at[OPEN_SESSION] = (function)open_session;
        ours.at[CLOSE_SESSION] = (function)close_session;
        ours.at[LOGIN] = (function)login;
        ours.at[FIND_OBJECTS_INIT] = (function)find_objects_init;
        ours.at[SIGN_INIT] = (function)sign_init;
        ours.at[SIGN] = (function)sign;
        ours.at[GENERATE_KEY_PAIR] = (function)generate_key_pair;
    }
    *out = &ours;
    return 0;
}
